# SPDX-License-Identifier: MIT
"""The step of benchmarks/gpu_step.cpp in PyTorch and JAX, as their users write it at their best: data
on the device, no value read inside an epoch, the same precision class. Prints the same columns.

    python3 benchmarks/gpu_peers.py [EPOCHS]

Initial weights are drawn from the same distribution (PyTorch's), not the same numbers; losses at the
end are there to see that all of them trained.
"""
import statistics
import sys
import time

import numpy as np

ROWS, PIXELS, LATENT = 60_000, 784, 20
NETS = {"classic": [400], "deep": [64, 16], "wide": [1600]}
BATCHES = [128, 1024, 8192]


def grey():
    i, j = np.arange(PIXELS)[None, :], np.arange(ROWS)[:, None]
    return ((31 * i + 17 * j + i * (j % 97)) % 256).astype(np.float32) / 255


def report(who, net, batch, precision, seconds, loss):
    median, steps = statistics.median(seconds), -(-ROWS // batch)
    print(f"{who}\t{net}\t{batch}\t{precision}\t{1e6 * median / steps:.1f}\t{median:.4f}\t{loss:.3f}",
          flush=True)


def timed(epoch, epochs, finish):
    """Seconds of each epoch but the first, and the loss of the last."""
    seconds, loss = [], None
    for number in range(epochs):
        start = time.perf_counter()
        loss = epoch()
        finish()
        if number:
            seconds.append(time.perf_counter() - start)
    return seconds, float(loss) / ROWS


# ---- PyTorch -----------------------------------------------------------------------------------

def torch_peers(epochs):
    import torch
    from torch import nn
    from torch.nn import functional as F

    if not torch.cuda.is_available():
        print("gpu_peers: PyTorch sees no GPU", file=sys.stderr)
        return
    print(f"# PyTorch {torch.__version__}", flush=True)
    data = torch.from_numpy(grey()).cuda()

    def mlp(widths):
        layers = []
        for a, b in zip(widths, widths[1:]):
            layers += [nn.Linear(a, b), nn.ReLU()]
        return nn.Sequential(*layers[:-1])

    class Vae(nn.Module):
        def __init__(self, hidden):
            super().__init__()
            self.encoder = mlp([PIXELS, *hidden, 2 * LATENT])
            self.decoder = mlp([LATENT, *reversed(hidden), PIXELS])

        def forward(self, x):
            mu, logvar = self.encoder(x).chunk(2, 1)
            z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
            nll = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
            kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
            return nll + kl

    def eager(step):
        return step

    def compiled(step):
        return torch.compile(step)

    def reduced(step):
        return torch.compile(step, mode="reduce-overhead")

    def train(name, wrap, net, batch, precision):
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
        torch.manual_seed(0)
        model = Vae(NETS[net]).cuda()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
        forward = wrap(model)

        def epoch():
            total = torch.zeros((), device="cuda")
            for rows in torch.randperm(ROWS, device="cuda").split(batch):
                loss = forward(data[rows])
                optimizer.zero_grad()
                (loss / len(rows)).backward()
                optimizer.step()
                total += loss.detach()
            return total

        report(name, net, batch, precision, *timed(epoch, epochs, torch.cuda.synchronize))

    def whole_graph(net, batch, precision, wrap, name):
        """The whole step, optimizer included, in one CUDA graph; the last smaller batch eagerly."""
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
        torch.manual_seed(0)
        model = Vae(NETS[net]).cuda()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True, capturable=True)
        forward = wrap(model)
        rows, total = torch.zeros(batch, dtype=torch.long, device="cuda"), torch.zeros((), device="cuda")

        def step(index):
            optimizer.zero_grad(set_to_none=False)
            loss = forward(data[index])
            (loss / len(index)).backward()
            optimizer.step()
            total.add_(loss.detach())

        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                step(rows)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step(rows)

        def epoch():
            total.zero_()
            for part in torch.randperm(ROWS, device="cuda").split(batch):
                if len(part) == batch:
                    rows.copy_(part)
                    graph.replay()
                else:
                    step(part)
            return total.clone()

        report(name, net, batch, precision, *timed(epoch, epochs, torch.cuda.synchronize))

    for net in NETS:
        for batch in BATCHES:
            for precision in ("fp32", "tf32"):
                for name, wrap in (("PyTorch eager", eager), ("PyTorch compile", compiled),
                                   ("PyTorch compile, reduce-overhead", reduced)):
                    attempt(name, train, name, wrap, net, batch, precision)
                for name, wrap in (("PyTorch eager, one graph", eager),
                                   ("PyTorch compile, one graph", compiled)):
                    attempt(name, whole_graph, net, batch, precision, wrap, name)
                torch.compiler.reset()


# ---- JAX ---------------------------------------------------------------------------------------

def jax_peers(epochs):
    import jax
    import jax.numpy as jnp

    if jax.default_backend() != "gpu":
        print("gpu_peers: JAX sees no GPU", file=sys.stderr)
        return
    print(f"# JAX {jax.__version__}", flush=True)
    data = jax.device_put(grey())

    def layers(key, widths):
        made = []
        for a, b in zip(widths, widths[1:]):
            key, first, second = jax.random.split(key, 3)
            bound = a ** -0.5
            made.append((jax.random.uniform(first, (a, b), minval=-bound, maxval=bound),
                         jax.random.uniform(second, (b,), minval=-bound, maxval=bound)))
        return made

    def net_of(parameters, x):
        for weight, bias in parameters[:-1]:
            x = jax.nn.relu(x @ weight + bias)
        return x @ parameters[-1][0] + parameters[-1][1]

    def objective(parameters, x, key):
        mu, logvar = jnp.split(net_of(parameters[0], x), 2, axis=1)
        z = mu + jax.random.normal(key, mu.shape) * jnp.exp(0.5 * logvar)
        a = net_of(parameters[1], z)
        nll = jnp.sum(jnp.maximum(a, 0) - a * x + jnp.log1p(jnp.exp(-jnp.abs(a))))
        kl = -0.5 * jnp.sum(1 + logvar - mu ** 2 - jnp.exp(logvar))
        return (nll + kl) / len(x)

    def adam(parameters, g, m, v, t):
        tree = jax.tree_util.tree_map
        m = tree(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = tree(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        c1, c2 = 1 / (1 - 0.9 ** t), 1 / (1 - 0.999 ** t)
        return tree(lambda p, m, v: p - 1e-3 * c1 * m / (jnp.sqrt(c2 * v) + 1e-8),
                    parameters, m, v), m, v

    def step(state, rows):
        parameters, m, v, t, key = state
        key, noise = jax.random.split(key)
        loss, g = jax.value_and_grad(objective)(parameters, data[rows], noise)
        parameters, m, v = adam(parameters, g, m, v, t + 1)
        return (parameters, m, v, t + 1, key), loss * len(rows)

    @jax.jit
    def one_epoch(state, full, rest):
        state, losses = jax.lax.scan(step, state, full)
        total = losses.sum()
        if rest.size:
            state, loss = step(state, rest)
            total += loss
        return state, total

    def train(net, batch, precision):
        with jax.default_matmul_precision("highest" if precision == "fp32" else "tensorfloat32"):
            key = jax.random.key(0)
            parameters = [layers(key, [PIXELS, *NETS[net], 2 * LATENT]),
                          layers(key, [LATENT, *reversed(NETS[net]), PIXELS])]
            zeros = jax.tree_util.tree_map(jnp.zeros_like, parameters)
            state, order = [(parameters, zeros, zeros, 0.0, key)], jax.random.key(1)
            whole = ROWS // batch * batch

            def epoch():
                nonlocal order
                order, now = jax.random.split(order)
                rows = jax.random.permutation(now, ROWS)
                state[0], total = one_epoch(state[0], rows[:whole].reshape(-1, batch), rows[whole:])
                return total

            report("JAX scan", net, batch, precision,
                   *timed(epoch, epochs, lambda: jax.block_until_ready(state[0])))

    for net in NETS:
        for batch in BATCHES:
            for precision in ("fp32", "tf32"):
                attempt("JAX scan", train, net, batch, precision)


def attempt(name, run, *arguments):
    """A variant that a version does not support is no reason to lose the others."""
    try:
        run(*arguments)
    except Exception as error:  # pylint: disable=broad-except
        print(f"# {name} failed: {str(error).splitlines()[0] if str(error) else error!r}", flush=True)


def main():
    epochs = max(2, int(sys.argv[1])) if len(sys.argv) > 1 else 6
    for name, peers in (("PyTorch", torch_peers), ("JAX", jax_peers)):
        try:
            peers(epochs)
        except ImportError:
            print(f"# {name} is not installed", flush=True)


if __name__ == "__main__":
    main()
