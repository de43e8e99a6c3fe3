# SPDX-License-Identifier: MIT
"""JAX: a whole epoch as one jitted lax.scan, its state donated."""
import functools

import jax
import jax.numpy as jnp


def net_of(layers, x):
    for weight, bias in layers[:-1]:
        x = jax.nn.relu(x @ weight + bias)
    return x @ layers[-1][0] + layers[-1][1]


def objective(parameters, x, key=None):
    """Negative lower bound in nats per row; without a key z = mu."""
    encoder, decoder = parameters
    mu, logvar = jnp.split(net_of(encoder, x), 2, axis=1)
    z = mu if key is None else mu + jax.random.normal(key, mu.shape) * jnp.exp(0.5 * logvar)
    a = net_of(decoder, z)
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


def step(data, state, rows):
    parameters, m, v, t, key = state
    key, noise = jax.random.split(key)
    loss, g = jax.value_and_grad(objective)(parameters, data[rows], noise)
    parameters, m, v = adam(parameters, g, m, v, t + 1)
    return (parameters, m, v, t + 1, key), loss * len(rows)


@functools.partial(jax.jit, static_argnums=2, donate_argnums=0)
def one_epoch(state, data, batch, order):
    """All rows once, the smaller batch that ends the epoch too; the sum of the losses."""
    rows = jax.random.permutation(order, len(data))
    whole = len(data) // batch * batch
    take = functools.partial(step, data)
    state, losses = jax.lax.scan(take, state, rows[:whole].reshape(-1, batch))
    total = losses.sum()
    if whole < len(data):
        state, loss = take(state, rows[whole:])
        total += loss
    return state, total


class Training:
    def __init__(self, parameters, data, batch):
        def zeros():
            return jax.tree_util.tree_map(jnp.zeros_like, parameters)

        own = jax.tree_util.tree_map(jnp.copy, parameters)  # an epoch takes its state away
        self.state = own, zeros(), zeros(), jnp.float32(0), jax.random.key(0)
        self.data, self.batch, self.order = data, batch, jax.random.key(1)

    def epoch(self):
        self.order, now = jax.random.split(self.order)
        self.state, total = one_epoch(self.state, self.data, self.batch, now)
        return jax.block_until_ready((self.state, total))[1]


def train_all(run):
    if not run.dry and jax.default_backend() != "gpu":
        raise RuntimeError("JAX sees no GPU")
    print("machine", "JAX", jax.__version__, sep="\t", flush=True)
    data = jax.device_put(run.data)
    parameters = [[(jnp.asarray(weight.T), jnp.asarray(bias)) for weight, bias in layers]
                  for layers in run.weights]
    with jax.default_matmul_precision("highest"):
        run.start("JAX", float(jax.jit(objective)(parameters, data[:128])))
    for batch in run.batches:
        for precision in ("fp32",) if run.dry else ("fp32", "tf32"):
            # What fp32 would be without this is TF32 on a GPU that has it.
            with jax.default_matmul_precision(
                    "highest" if precision == "fp32" else "tensorfloat32"):
                run.time("JAX scan", batch, precision,
                         lambda: Training(parameters, data, batch).epoch)
