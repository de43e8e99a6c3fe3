# SPDX-License-Identifier: MIT
"""What the scripts of this folder share: the program, files of MNIST, and how results spread."""

import gzip
import subprocess

import numpy as np


def run(program, *arguments):
    """What the program prints. Ends the script with its sentence where it fails."""
    done = subprocess.run([program, *map(str, arguments), "--quiet"], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{arguments}: {done.stderr}")
    return done.stdout


def idx(path, offset):
    """The bytes of an IDX file behind its header: 16 bytes before pictures, 8 before labels."""
    return np.frombuffer(gzip.open(path).read(), np.uint8, offset=offset)


def pictures(path):
    return idx(path, 16).reshape(-1, 784) / 255


def spread(values):
    """Mean, and half of the 95% interval of a mean by Student's t."""
    t = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
    values = np.array(values)
    if len(values) < 2:
        return float(values.mean()), float("nan")
    half = t.get(len(values), 1.96) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(half)
