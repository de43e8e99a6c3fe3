#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Edited digits: how many of them a classifier takes for the other class.

Usage: edit.py LONGHAND MODEL MNIST

MODEL is a model file of `longhand train --data MNIST` (784 pixels). The classifier is a multinomial
logistic regression on the pixels of the 60,000 training digits, made here. Test digits of class K
are edited along the way from the mean code of class K to that of class M, at several strengths.
"""

import argparse
import pathlib
import tempfile

import numpy as np

from common import idx, pictures, run


def read(folder, part):
    return (pictures(folder / f"{part}-images-idx3-ubyte.gz"),
            idx(folder / f"{part}-labels-idx1-ubyte.gz", 8).astype(int))


class Classifier:
    """Softmax regression by Nesterov's method, with a small penalty."""

    def __init__(self, x, y, steps=300, rate=0.5, penalty=1e-5):
        x = np.c_[x, np.ones(len(x))].astype("f4")
        target = np.eye(10, dtype="f4")[y]
        w = np.zeros((x.shape[1], 10), "f4")
        velocity = np.zeros_like(w)
        for _ in range(steps):
            ahead = w + 0.9 * velocity
            p = np.exp(x @ ahead)
            p /= p.sum(1, keepdims=True)
            velocity = 0.9 * velocity - rate * (x.T @ (p - target) / len(x) + penalty * ahead)
            w = w + velocity
        self.w = w

    def __call__(self, x):
        return np.argmax(np.c_[x, np.ones(len(x))] @ self.w, 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("longhand")
    parser.add_argument("model")
    parser.add_argument("mnist", type=pathlib.Path)
    a = parser.parse_args()
    classifier = Classifier(*read(a.mnist, "train"))
    test, labels = read(a.mnist, "t10k")
    print(f"accuracy of the classifier on test digits: {(classifier(test) == labels).mean():.4f}")
    strengths = (0, 0.5, 1, 1.5, 2)
    print("| edit | rows | " + " | ".join(f"strength {s}" for s in strengths) + " |\n|---|---:|"
          + "---|" * len(strengths))
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "edited.npy"
        for k, m in ((3, 8), (8, 3), (4, 9), (9, 4), (1, 7), (7, 1), (0, 6), (5, 6)):
            cells = []
            for strength in strengths:
                run(a.longhand, "edit", a.model, "--data", a.mnist, "--direction",
                    f"labels:{k}:{m}", "--strength", strength, "--out", out)
                found = classifier(np.load(out).reshape(-1, 784))
                cells.append(f"{100 * (found == m).mean():.1f}% {m}, {100 * (found == k).mean():.1f}% {k}")
            print(f"| {k} → {m} | {len(found)} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
