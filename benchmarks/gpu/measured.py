# SPDX-License-Identifier: MIT
"""What was measured: the lines that gpu_step, gpu_ceilings, peers.py and gpu.sh print, by kind."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Time:
    """µs per step, ms per epoch with what lies between two epochs, nats per row at the end."""
    us: float
    least: float
    most: float
    epoch_ms: float
    loss: float
    epochs: int


@dataclasses.dataclass(frozen=True)
class Ceiling:
    amount: float  # bytes, kernels or FLOPs of one call
    seconds: float
    least: float
    most: float

    @property
    def rate(self):
        return self.amount / self.seconds


class Measured:
    """Of equal lines the last one counts; a line that is not whole is none."""

    def __init__(self, lines=()):
        self.machine = {}   # key: [values], more than one if parts were run on different machines
        self.tests = {}     # name: result
        self.starts = {}    # (who, net): loss without noise
        self.times = {}     # (who, net, batch, precision): Time
        self.skipped = {}   # (who, net, batch, precision): why
        self.ceilings = {}  # (what, batch or None, precision or None): Ceiling
        for line in lines:
            kind, *fields = line.rstrip("\n").split("\t")
            try:
                getattr(self, f"read_{kind}", self.ignore)(*fields)
            except (TypeError, ValueError):
                pass

    def __bool__(self):
        """Whether there was a device: where there is none, tests are skipped."""
        tested = self.tests and "skipped" not in self.tests.values()
        return bool(tested or self.times or self.ceilings)

    def ignore(self, *_):
        pass

    def read_machine(self, key, value):
        values = self.machine.setdefault(key, [])
        if value not in values:
            values.append(value)

    def read_test(self, name, result):
        self.tests[name] = result

    def read_start(self, who, net, loss):
        self.starts[who, net] = float(loss)

    def read_time(self, who, net, batch, precision, us, least, most, epoch_ms, loss, epochs):
        self.times[who, net, int(batch), precision] = Time(
            *map(float, (us, least, most, epoch_ms, loss)), int(epochs))

    def read_skipped(self, who, net, batch, precision, why):
        self.skipped[who, net, batch, precision] = why

    def read_ceiling(self, what, batch, precision, amount, seconds, least, most):
        self.ceilings[what, None if batch == "-" else int(batch),
                      None if precision == "-" else precision] = Ceiling(
                          *map(float, (amount, seconds, least, most)))
