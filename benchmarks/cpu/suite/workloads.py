# SPDX-License-Identifier: MIT
"""Nets and what a step of them costs."""
import dataclasses

FLOAT = 4  # bytes


@dataclasses.dataclass(frozen=True)
class Net:
    """input-hidden-latent, decoder mirrored: the VAE that every contender trains."""
    input: int
    hidden: tuple
    latent: int

    @property
    def name(self):
        return "-".join(str(n) for n in (self.input, *self.hidden, self.latent))

    def as_json(self):
        return {"input": self.input, "hidden": list(self.hidden), "latent": self.latent}

    def layers(self, head=2):
        """(in, out) of every product; the encoder's last emits mu and log variance (head = 2)."""
        encoder = [self.input, *self.hidden, head * self.latent]
        decoder = [self.latent, *reversed(self.hidden), self.input]
        return [pair for widths in (encoder, decoder) for pair in zip(widths, widths[1:])]

    @property
    def parameters(self):
        return sum((n + 1) * m for n, m in self.layers())

    def flops_per_step(self, batch):
        """Of the products alone: Y = W X, dW = dY X', dX = W' dY, each 2 in out batch; the first
        layer has no dX."""
        layers = self.layers()
        first_in, first_out = layers[0]
        return 6 * batch * sum(n * m for n, m in layers) - 2 * batch * first_in * first_out

    def activation_bytes(self, batch):
        """The outputs of all layers, z and the batch itself, and the gradients of the outputs."""
        outputs = sum(m for _, m in self.layers())
        return FLOAT * batch * (2 * outputs + self.latent + self.input)

    @property
    def reconstruction_bytes(self):
        """Weights that encode (mean only) and decode must read."""
        return FLOAT * sum((n + 1) * m for n, m in self.layers(head=1))


@dataclasses.dataclass(frozen=True)
class Training:
    net: Net
    batch: int
    steps: int  # per round

    @property
    def name(self):
        return f"{self.net.name}, batch {self.batch}"


CLASSIC = Net(784, (400,), 20)
WIDE = Net(784, (1024, 1024), 64)
SMALL = Net(16, (32,), 4)
IN_CACHE = Net(64, (128,), 8)

TRAININGS = [
    Training(CLASSIC, 128, 200),
    Training(CLASSIC, 1024, 24),
    Training(WIDE, 128, 40),
    Training(WIDE, 1024, 6),
    Training(SMALL, 32, 2000),
]
INFERENCES = [(IN_CACHE, 1), (CLASSIC, 1), (WIDE, 1), (IN_CACHE, 10_000), (CLASSIC, 10_000)]
# A multiple of every power of two up to 8192: no batch is ragged, nothing is compiled twice.
ROWS = 57_344
