# SPDX-License-Identifier: MIT
"""The same bytes for everyone: pictures of an IDX folder, whole or averaged down for small nets."""
import gzip
import pathlib

import numpy as np


def pictures(folder):
    """(rows, 28, 28) grey bytes of the training set, gzipped or not."""
    for ending, opened in ((".gz", gzip.open), ("", open)):
        path = pathlib.Path(folder, "train-images-idx3-ubyte" + ending)
        if path.exists():
            with opened(path, "rb") as file:
                content = file.read()
            return np.frombuffer(content, np.uint8, offset=16).reshape(-1, 28, 28)
    raise SystemExit(f"{folder} has no train-images-idx3-ubyte(.gz)")


def averaged(images, side):
    """Pictures of side x side numbers: the means of blocks (of the middle 24 x 24 for side 8)."""
    margin = 28 % side // 2
    middle = images[:, margin:28 - margin, margin:28 - margin].astype(np.float32)
    block = middle.shape[1] // side
    means = middle.reshape(len(images), side, block, side, block).mean(axis=(2, 4))
    return means.round().astype(np.uint8)


def write_arrays(folder, work):
    """Files of (rows, inputs) bytes, by number of inputs."""
    images = pictures(folder)
    arrays = {784: images, 64: averaged(images, 8), 16: averaged(images, 4)}
    paths = {}
    for inputs, array in arrays.items():
        paths[inputs] = work / f"data-{inputs}.npy"
        np.save(paths[inputs], array.reshape(len(array), inputs))
    return paths
