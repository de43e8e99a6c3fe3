# SPDX-License-Identifier: MIT
"""The arrays that a setup request names."""
import numpy as np
from safetensors.numpy import load_file


def rows(setup):
    """(rows, inputs) numbers in [0, 1]."""
    return np.load(setup["data"])[:setup["rows"]].astype(np.float32) / 255


def batches(setup):
    """Row numbers of one batch after the other, again and again."""
    order = np.load(setup["order"]).astype(np.int64).reshape(-1, setup["batch"])
    while True:
        yield from order


def weights(setup):
    """Tensors by their PyTorch names."""
    return load_file(setup["weights"])


def layers(tensors, prefix):
    """(weight, bias) of `prefix`.0, `prefix`.2, … in order."""
    numbers = sorted({int(name.split(".")[1]) for name in tensors if name.startswith(prefix + ".")})
    return [(tensors[f"{prefix}.{n}.weight"], tensors[f"{prefix}.{n}.bias"]) for n in numbers]
