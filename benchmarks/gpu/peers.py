# SPDX-License-Identifier: MIT
"""The training of step.cpp in another framework, as its users write it at its best: the same
weights to begin with, the same rows on the device, the same precision class, no value read inside
an epoch. The noise and the order of the rows are the framework's own. Prints lines like step.cpp's:

    start <tab> who <tab> net <tab> loss of the first 128 rows without noise, nats per row
    time <tab> who <tab> net <tab> batch <tab> precision
    <tab> µs per step: median <tab> least <tab> most <tab> ms per epoch <tab> loss <tab> epochs
    skipped <tab> who <tab> net <tab> batch <tab> precision <tab> why

The clock is the host's, from the end of an epoch, when the device has done all of it and its loss
has been read, to the end of the next: the same as longhand's. (CUDA events would leave out what the
host still does when the stream is idle, and JAX has none.)
"""
import argparse
import importlib
import signal
import statistics
import time

import work
from start import pictures, weights

FIRST = 2  # epochs that warm up and compile: they do not count


class OutOfTime(Exception):
    pass


def out_of_time(*_):
    raise OutOfTime("out of time")


def reason(error):
    """An exception in one line."""
    return (str(error).strip().splitlines() or [repr(error)])[0].replace("\t", " ")[:200]


class Run:
    """A net, where it starts, on what, for how long."""

    def __init__(self, name, path, epochs, seconds, dry):
        self.name, self.net, self.dry = name, work.NETS[name], dry
        self.rows = 1_000 if dry else work.ROWS
        self.batches = [128] if dry else work.BATCHES
        self.epochs = max(FIRST + 1, epochs)
        self.end = time.monotonic() + seconds
        self.data = pictures(self.rows)
        self.weights = weights(path, self.net)

    def say(self, kind, who, *fields):
        print(kind, who, self.name, *fields, sep="\t", flush=True)

    def start(self, who, loss):
        self.say("start", who, f"{loss:.6f}")

    def time(self, who, batch, precision, prepare):
        """Of prepare()'s epochs: each call of what it returns trains one and returns the sum of the
        losses. A variant that a version does not support, or for which there is no time left, is no
        reason to lose the others."""
        try:
            left = self.end - time.monotonic()
            if left <= 0:
                out_of_time()
            signal.alarm(int(left) + 1)
            epoch, ends = prepare(), []
            for _ in range(self.epochs):
                loss = float(epoch()) / self.rows
                ends.append(time.perf_counter())
        except Exception as error:  # pylint: disable=broad-except
            self.say("skipped", who, batch, precision, reason(error))
            return
        finally:
            signal.alarm(0)
        seconds = [b - a for a, b in zip(ends[FIRST - 1:], ends[FIRST:])]
        steps = -(-self.rows // batch)
        us = [f"{1e6 * f(seconds) / steps:.2f}" for f in (statistics.median, min, max)]
        self.say("time", who, batch, precision, *us, f"{1e3 * statistics.median(seconds):.3f}",
                 f"{loss:.4f}", len(seconds))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("framework", choices=["torch", "jax"])
    parser.add_argument("net", choices=work.NETS)
    parser.add_argument("weights", help="the file that gpu_step or gpu_start wrote")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=240, help="when these are over, stop")
    parser.add_argument("--dry-run", action="store_true", dest="dry",
                        help="on the processor, few rows, without compiling: a trial of the rest")
    options = parser.parse_args()
    run = Run(options.net, options.weights, options.epochs, options.seconds, options.dry)
    signal.signal(signal.SIGALRM, out_of_time)
    try:
        importlib.import_module(f"{options.framework}_peer").train_all(run)
    except Exception as error:  # pylint: disable=broad-except
        who = {"torch": "PyTorch", "jax": "JAX"}[options.framework]
        run.say("skipped", who, "-", "-", reason(error))


if __name__ == "__main__":
    main()
