#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Anomalies in real data: `longhand anomaly` beside PCA and k nearest neighbours.

Usage: anomaly.py LONGHAND TABLES [MNIST] [--seeds 5] [--json FILE]

TABLES is a folder of .npz files with X (rows) and y (1 = anomaly); docs/guides/anomaly.md says
where they come from. Half of the normal rows are for training, the other half and all anomalies
are scored once. Columns are standardised by the training rows for all methods.

  longhand  D-64-min(8, D/2), Gaussian likelihood; sigma 0.25, 0.5 or 1, by the validation ELBO
  PCA       squared distance to the components that hold 90% of the variance
  k-NN      distance to the 5th nearest training row

With MNIST, a folder, each digit in turn is an anomaly: models are trained on 6,000 rows without it
and score 2,000 test rows; both competitors see the same pixels.
"""

import argparse
import hashlib
import json
import pathlib
import tempfile

import numpy as np

from common import idx, pictures, run, spread


def auroc(scores, odd):
    """The probability that an odd row scores above a normal one, ties counted half."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    values = scores[order]
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    ends = np.r_[starts[1:], len(values)]
    for start, end in zip(starts, ends):
        ranks[order[start:end]] = (start + end + 1) / 2
    n = odd.sum()
    return (ranks[odd].sum() - n * (n + 1) / 2) / (n * (len(odd) - n))


def average_precision(scores, odd):
    """The area under precision over recall, rows of one score taken together."""
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(odd[order])
    last = np.r_[np.flatnonzero(np.diff(scores[order])), len(scores) - 1]
    precision, recall = found[last] / (last + 1), found[last] / odd.sum()
    return float(np.sum(np.diff(np.r_[0, recall]) * precision))


def standardised(train, test):
    mean, deviation = train.mean(0), train.std(0)
    deviation[deviation == 0] = 1
    return (train - mean) / deviation, (test - mean) / deviation


def pca(train, test, share=0.9):
    mean = train.mean(0)
    _, s, v = np.linalg.svd(train - mean, full_matrices=False)
    held = np.cumsum(s**2) / np.sum(s**2)
    v = v[:int(np.searchsorted(held, share)) + 1]
    rest = (test - mean) - (test - mean) @ v.T @ v
    return np.sum(rest**2, 1)


def nearest(train, test, k=5):
    squares = np.sum(train**2, 1)
    out = []
    for part in np.array_split(test, max(1, len(test) // 500)):
        distance = np.sum(part**2, 1)[:, None] + squares - 2 * part @ train.T
        out.append(np.sqrt(np.maximum(np.partition(distance, k - 1, 1)[:, k - 1], 0)))
    return np.concatenate(out)


class Longhand:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def scores(self, train, test, seed, options, choices):
        np.save(self.folder / "train.npy", train.astype("f4"))
        np.save(self.folder / "test.npy", test.astype("f4"))
        best, kept = None, None
        for k, choice in enumerate(choices):
            out = self.folder / f"run{k}"
            run(self.program, "train", "--data", self.folder / "train.npy", "--out", out, "--seed",
                seed, "--checkpoint-every", "none", *options, *choice)
            lines = map(json.loads, (out / "metrics.jsonl").read_text().splitlines())
            loss = min(m["loss"] for m in lines if m["split"] == "validation")
            if best is None or loss < best:
                best, kept = loss, out
        table = run(self.program, "anomaly", kept / "model.safetensors", "--data", self.folder / "test.npy",
                         "--samples", 16, "--blame", 0)
        return np.array([float(line.split(",")[1]) for line in table.splitlines()[1:]])


def report(name, results):
    cells = [f"{100 * m:.1f} ± {100 * h:.1f}" for m, h in map(spread, results.values())]
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def tables(longhand, folder, seeds, record):
    print("| table | rows | columns | anomalies | longhand AUROC | AUPRC | PCA AUROC | AUPRC | "
          "k-NN AUROC | AUPRC |\n|---|---:|---:|---:|---|---|---|---|---|---|")
    for path in sorted(folder.glob("*.npz"), key=lambda p: p.name.split("_", 1)[1].lower()):
        data = np.load(path)
        x, y = data["X"].astype("f8"), data["y"].astype(int).ravel() == 1
        results = {f"{method} {measure}": [] for method in ("longhand", "PCA", "k-NN")
                   for measure in ("AUROC", "AUPRC")}
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            normal = rng.permutation(np.flatnonzero(~y))
            half = len(normal) // 2
            rows = np.r_[normal[half:], np.flatnonzero(y)]
            train, test, odd = x[normal[:half]], x[rows], y[rows]
            a, b = standardised(train, test)
            width = x.shape[1]
            vae = longhand.scores(
                a, b, seed,
                ["--likelihood", "gaussian", "--hidden", 64, "--latent", max(1, min(8, width // 2)),
                 "--epochs", 300, "--early-stop", 30, "--batch", min(64, len(a) // 2), "--lr", "2e-3"],
                [["--sigma", s] for s in (0.25, 0.5, 1)])
            for method, scores in (("longhand", vae), ("PCA", pca(a, b)), ("k-NN", nearest(a, b))):
                results[f"{method} AUROC"].append(auroc(scores, odd))
                results[f"{method} AUPRC"].append(average_precision(scores, odd))
        name = path.stem.split("_", 1)[1]
        record[name] = results
        record[name + " sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        report(f"{name} | {len(y)} | {x.shape[1]} | {y.sum()}", results)


def digits(longhand, folder, seeds, record):
    x = pictures(folder / "train-images-idx3-ubyte.gz")
    y = idx(folder / "train-labels-idx1-ubyte.gz", 8)
    tx = pictures(folder / "t10k-images-idx3-ubyte.gz")
    ty = idx(folder / "t10k-labels-idx1-ubyte.gz", 8)
    print("| digit | longhand AUROC | AUPRC | PCA AUROC | AUPRC | k-NN AUROC | AUPRC |\n"
          "|---|---|---|---|---|---|---|")
    for digit in range(10):
        results = {f"{method} {measure}": [] for method in ("longhand", "PCA", "k-NN")
                   for measure in ("AUROC", "AUPRC")}
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            rows = rng.permutation(np.flatnonzero(y != digit))[:6000]
            test = rng.permutation(len(ty))[:2000]
            a, b, odd = x[rows], tx[test], ty[test] == digit
            vae = longhand.scores(a, b, seed, ["--hidden", 400, "--latent", 20, "--epochs", 15], [[]])
            for method, scores in (("longhand", vae), ("PCA", pca(a, b)), ("k-NN", nearest(a, b))):
                results[f"{method} AUROC"].append(auroc(scores, odd))
                results[f"{method} AUPRC"].append(average_precision(scores, odd))
        record[f"digit {digit}"] = results
        report(digit, results)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("longhand")
    parser.add_argument("tables", type=pathlib.Path)
    parser.add_argument("mnist", type=pathlib.Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path)
    a = parser.parse_args()
    record = {}
    with tempfile.TemporaryDirectory() as folder:
        longhand = Longhand(a.longhand, pathlib.Path(folder))
        tables(longhand, a.tables, a.seeds, record)
        if a.mnist:
            digits(longhand, a.mnist, a.seeds, record)
    if a.json:
        a.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
