# SPDX-License-Identifier: MIT
"""PyTorch: as it is, compiled, and with the whole step in one CUDA graph."""
import torch
from torch import nn
from torch.nn import functional as F


class Vae(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = self.mlp(encoder), self.mlp(decoder)

    @staticmethod
    def mlp(layers):
        modules = []
        for weight, bias in layers:
            linear = nn.Linear(weight.shape[1], weight.shape[0])
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(weight))
                linear.bias.copy_(torch.from_numpy(bias))
            modules += [linear, nn.ReLU()]
        return nn.Sequential(*modules[:-1])

    def forward(self, x, noise=True):
        """Negative lower bound in nats per row."""
        mu, logvar = self.encoder(x).chunk(2, 1)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar) if noise else mu
        nll = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        return (nll + kl) / len(x)


# Who, how the objective is compiled, whether the step is one graph. Compiling takes most of the time
# of a run: it is left out for the middle batch, and what most is asked of comes first.
PLAIN = [("PyTorch eager", None, False),
         ("PyTorch eager, one graph", None, True)]
COMPILED = [("PyTorch compile", {}, False),
            ("PyTorch compile, reduce-overhead", {"mode": "reduce-overhead"}, False),
            ("PyTorch compile, one graph", {}, True)]
COMPILED_AT = [[(128, "fp32"), (8192, "tf32")], [(128, "tf32"), (8192, "fp32")]]


class Training:
    """A new model with its optimizer, on the rows of a run."""
    recorded = False

    def __init__(self, run, data, batch, compiled):
        torch.compiler.reset()  # else the ninth variant would quietly not be compiled
        torch.manual_seed(0)
        self.data, self.rows, self.batch = data, run.rows, batch
        self.model = Vae(*run.weights).to(data.device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3, fused=True,
                                          capturable=self.recorded)
        self.total = torch.zeros((), device=data.device)

        def objective(rows):
            return self.model(self.data[rows])

        # dynamic=False: the smaller batch that ends an epoch is compiled for itself.
        self.objective = (objective if compiled is None
                          else torch.compile(objective, dynamic=False, **compiled))

    def step(self, rows):
        self.optimizer.zero_grad()
        loss = self.objective(rows)
        loss.backward()
        self.optimizer.step()
        self.total.add_(loss.detach(), alpha=len(rows))

    def epoch(self):
        self.total.zero_()
        for rows in torch.randperm(self.rows, device=self.data.device).split(self.batch):
            self.step(rows)
        return self.total


class Recorded(Training):
    """The whole step, optimizer included, in one CUDA graph: one for full batches, one for the
    smaller one that ends an epoch."""
    recorded = True

    def __init__(self, *arguments):
        super().__init__(*arguments)
        start = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.graphs = {size: self.record(size)
                       for size in {self.batch, self.rows % self.batch} - {0}}
        # Warming up has trained: back to the start.
        self.model.load_state_dict(start)
        for state in self.optimizer.state.values():
            for value in state.values():
                value.zero_()

    def record(self, size):
        rows = torch.zeros(size, dtype=torch.long, device=self.data.device)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.step(rows)
        torch.cuda.current_stream().wait_stream(side)
        self.optimizer.zero_grad()  # so that the gradients live in the graph's own memory
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step(rows)
        return rows, graph

    def epoch(self):
        self.total.zero_()
        for part in torch.randperm(self.rows, device=self.data.device).split(self.batch):
            rows, graph = self.graphs[len(part)]
            rows.copy_(part)
            graph.replay()
        return self.total


def train_all(run):
    if not run.dry and not torch.cuda.is_available():
        raise RuntimeError("PyTorch sees no GPU")
    print("machine", "PyTorch", torch.__version__, sep="\t", flush=True)
    data = torch.from_numpy(run.data).to("cpu" if run.dry else "cuda")
    with torch.no_grad():
        model = Vae(*run.weights).to(data.device)
        run.start("PyTorch", model(data[:128], noise=False).item())

    def time(who, compiled, recorded, batch, precision):
        def prepare():
            torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
            return (Recorded if recorded else Training)(run, data, batch, compiled).epoch
        run.time(who, batch, precision, prepare)

    if run.dry:
        time(*PLAIN[0], 128, "fp32")
        return
    for batch in run.batches:
        for precision in ("fp32", "tf32"):
            for variant in PLAIN:
                time(*variant, batch, precision)
    for some in COMPILED_AT:
        for variant in COMPILED:
            for batch, precision in some:
                time(*variant, batch, precision)
