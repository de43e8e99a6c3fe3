# SPDX-License-Identifier: MIT
"""The nets that are trained on the GPU, and what a step of them must do; workload.hpp has the same
nets."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cpu"))

from suite.workloads import FLOAT, Net  # noqa: E402

ROWS, PIXELS, LATENT = 60_000, 784, 20
NETS = {"classic": Net(PIXELS, (400,), LATENT),
        "deep": Net(PIXELS, (64, 16), LATENT),
        "wide": Net(PIXELS, (1600,), LATENT)}
BATCHES = [128, 1024, 8192]
PRECISIONS = ["fp32", "tf32"]


def steps(batch):
    """Of an epoch; the last, smaller batch is one too."""
    return -(-ROWS // batch)


def flops_per_step(net, batch):
    """Of the products of an epoch, over its steps."""
    return net.flops_per_step(ROWS / steps(batch))


def bytes_per_step(net, batch):
    """What no step can do without, of an epoch over its steps: parameters and Adam's two moments
    read and written, the rows read as bytes. Activations and gradients need not leave the chip."""
    return 6 * FLOAT * net.parameters + net.input * ROWS / steps(batch)


def kernels_per_step(net):
    """longhand's, as listed in docs/backends.md, 'The step, kernel by kernel': per layer Y, what
    follows it, dW, db; dX except of the first; relu' of the hidden ones; and 11 others."""
    layers = len(net.layers())
    return 4 * layers + (layers - 1) + (layers - 2) + 11
