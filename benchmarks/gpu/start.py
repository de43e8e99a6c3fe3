# SPDX-License-Identifier: MIT
"""Where everyone starts: the rows and the initial weights."""
import numpy as np

from work import PIXELS


def pictures(rows):
    """Those of workload.hpp as numbers, (rows, pixels)."""
    j, i = np.arange(rows)[:, None], np.arange(PIXELS)[None, :]
    top, left, fall = 4 + j % 20, 4 + j // 20 % 20, 1 + j // 400 % 7
    bytes_ = np.maximum(0, 255 - fall * ((i // 28 - top) ** 2 + (i % 28 - left) ** 2))
    return bytes_.astype(np.float32) / 255


def weights(path, net):
    """[(weight (out, in), bias)] of the encoder's layers, and of the decoder's, from a file written
    by start.hpp: little-endian float32, layer by layer, weight (out, in) row-major, then bias; the
    encoder's last layer is the head, mu before logvar."""
    numbers, layers, place = np.fromfile(path, "<f4"), [], 0
    if numbers.size != net.parameters:
        raise ValueError(f"{path} has {numbers.size} numbers, expected {net.parameters}")
    for fan_in, out in net.layers():
        weight, bias = np.split(numbers[place:place + (fan_in + 1) * out], [fan_in * out])
        layers.append((weight.reshape(out, fan_in), bias))
        place += (fan_in + 1) * out
    half = len(net.hidden) + 1
    return layers[:half], layers[half:]
