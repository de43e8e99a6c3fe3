#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Missing numbers: `longhand impute` beside column means, principal components and neighbours.

Usage: impute.py LONGHAND TABLE.csv MISSING.csv [MNIST] [--seeds 5] [--draws 1000] [--json FILE]

TABLE is standardised; MISSING has 1 where a cell is missing. Half of the cells are gone: in the
first run those of MISSING, in the others as many at random. Every method sees the table with its
gaps and nothing else, and is measured by the squared error of the missing cells; 1 is that of the
columns' means in the whole table. What a method chooses is chosen on a tenth of the observed cells,
hidden for that.

  longhand  hidden 128, Gaussian likelihood, trained with the gaps (--missing nan); latents 5 or 10,
            sigma 0.3 or 0.5, the encoder's input masked further (--corrupt mask:0.3) or not
  PCA       fitted by expectation and maximisation to what is observed, 1 to 12 components
  k-NN      the mean of the k nearest rows that have the cell, by the mean squared difference of the
            cells that both have; k of 1, 3, 5, 10, 20, 40

With MNIST, a folder: digits whose middle 12 x 12 pixels are hidden, by a model of 784-400-20 that
was trained on whole ones, beside the mean picture and 80 components of 10,000 training pictures.
"""

import argparse
import json
import pathlib
import tempfile

import numpy as np

from common import pictures, run, spread


def write(path, x):
    lines = [",".join("" if np.isnan(v) else repr(float(v)) for v in row) for row in x]
    path.write_text("\n".join([",".join(f"c{i}" for i in range(x.shape[1])), *lines]) + "\n")


def read(path):
    return np.genfromtxt(path, delimiter=",", skip_header=1)


def by_means(x):
    return np.where(np.isnan(x), np.nanmean(x, 0), x)


def by_components(x, k, rounds=200):
    seen = ~np.isnan(x)
    filled = by_means(x)
    for _ in range(rounds):
        mean = filled.mean(0)
        u, s, v = np.linalg.svd(filled - mean, full_matrices=False)
        # Shrunk by the noise, as probabilistic PCA has it; without that it fits the gaps.
        noise = np.mean(s[k:]**2) if k < len(s) else 0
        shrunk = np.sqrt(np.maximum(s[:k]**2 - noise, 0)**2 / np.maximum(s[:k]**2, 1e-12))
        told = mean + (u[:, :k] * shrunk) @ v[:k]
        filled = np.where(seen, x, told)
    return filled


def by_neighbours(x, k):
    seen = ~np.isnan(x)
    zeros = np.where(seen, x, 0)
    common = seen.astype(float) @ seen.T.astype(float)
    squares = (zeros**2) @ seen.T + seen @ (zeros**2).T - 2 * zeros @ zeros.T
    distance = np.where(common > 0, squares / np.maximum(common, 1), np.inf)
    np.fill_diagonal(distance, np.inf)
    order = np.argsort(distance, 1)
    filled = by_means(x)
    for row, column in np.argwhere(~seen):
        near = [r for r in order[row] if seen[r, column]][:k]
        if near:
            filled[row, column] = x[near, column].mean()
    return filled


class Longhand:
    def __init__(self, program, folder, draws, seed):
        self.program, self.folder, self.draws, self.seed = program, folder, draws, seed

    def train(self, x, choice):
        write(self.folder / "gaps.csv", x)
        out = self.folder / "run"
        run(self.program, "train", "--data", self.folder / "gaps.csv", "--missing", "nan", "--hidden",
            128, "--likelihood", "gaussian", "--epochs", 400, "--batch", 64, "--lr", "1e-3",
            "--early-stop", 60, "--seed", self.seed, "--checkpoint-every", "none", "--out", out,
            "--latent", choice[0], "--sigma", choice[1], "--corrupt", choice[2])
        return out / "model.safetensors"

    def impute(self, model, x, draws, passes=1):
        write(self.folder / "rows.csv", x)
        run(self.program, "impute", model, "--data", self.folder / "rows.csv", "--draws", draws, "--passes",
            passes, "--out", self.folder / "filled.csv")
        return read(self.folder / "filled.csv")

    CHOICES = [(latents, sigma, corrupt) for latents in (5, 10) for sigma in (0.3, 0.5)
               for corrupt in ("none", "mask:0.3")]


def table(program, x, first, seeds, draws, record):
    results = {}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        missing = first if seed == 0 else rng.permuted(first.ravel()).reshape(first.shape)
        gaps = np.where(missing, np.nan, x)
        hidden = ~missing & (rng.random(x.shape) < 0.1)
        less = np.where(hidden, np.nan, gaps)

        def error(filled, cells):
            return float(np.mean((filled - x)[cells]**2))

        def best(choices, fill):
            return min(choices, key=lambda choice: error(fill(choice), hidden))

        with tempfile.TemporaryDirectory() as name:
            longhand = Longhand(program, pathlib.Path(name), draws, seed)
            choice = best(longhand.CHOICES,
                          lambda c: longhand.impute(longhand.train(less, c), less, 100))
            model = longhand.train(gaps, choice)
            told = {"mean": by_means(gaps),
                    "PCA": by_components(gaps, best(range(1, 13), lambda k: by_components(less, k))),
                    "k-NN": by_neighbours(gaps, best((1, 3, 5, 10, 20, 40),
                                                     lambda k: by_neighbours(less, k))),
                    "one pass": longhand.impute(model, gaps, 0),
                    "20 passes": longhand.impute(model, gaps, 0, 20),
                    f"{draws} draws": longhand.impute(model, gaps, draws)}
        for method, filled in told.items():
            results.setdefault(method, []).append(error(filled, missing))
        results.setdefault("choices", []).append(choice)
        print(f"mask {seed}: " + ", ".join(f"{m} {v[-1]:.3f}" for m, v in results.items()
                                           if m != "choices") + f" {choice}", flush=True)
    record["table"] = results
    print("| squared error | " + " | ".join(m for m in results if m != "choices") + " |")
    cells = [f"{m:.3f} ± {h:.3f}" for m, h in (spread(v) for k, v in results.items() if k != "choices")]
    print("| missing cells | " + " | ".join(cells) + " |", flush=True)


def holes(program, mnist, draws, record):
    train = pictures(mnist / "train-images-idx3-ubyte.gz")
    test = pictures(mnist / "t10k-images-idx3-ubyte.gz")[:2000]
    hole = np.zeros((28, 28), bool)
    hole[8:20, 8:20] = True
    hole = hole.ravel()
    some = train[:10000]
    mean = some.mean(0)
    _, vectors = np.linalg.eigh(np.cov((some - mean).T))
    v = vectors[:, ::-1][:, :80]
    # The code that fits what is seen best, with a little shrinkage, as ridge regression has it.
    seen = v[~hole]
    solve = np.linalg.solve(seen.T @ seen + 0.05 * np.eye(80), seen.T)
    told = {"mean picture": np.tile(mean, (len(test), 1)),
            "80 components": mean + ((test - mean)[:, ~hole] @ solve.T) @ v.T}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run(program, "train", "--data", mnist, "--hidden", 400, "--latent", 20, "--epochs", 10,
            "--checkpoint-every", "none", "--out", folder / "run")
        np.save(folder / "rows.npy", test.astype("f4"))
        np.save(folder / "hide.npy", hole.astype("u1"))
        for passes, k in ((1, 0), (1, draws), (50, 0), (50, draws)):
            run(program, "impute", folder / "run" / "model.safetensors", "--data", folder / "rows.npy",
                "--hide", folder / "hide.npy", "--passes", passes, "--draws", k, "--out",
                folder / "out.npy")
            name = "one pass" if passes == 1 else f"{passes} passes"
            told[f"{name}, {k} draws" if k else name] = np.load(folder / "out.npy")
    record["holes"] = {m: float(np.sqrt(np.mean((t - test)[:, hole]**2))) for m, t in told.items()}
    print("| error in the hole | " + " | ".join(told) + " |")
    print("| root mean square | " + " | ".join(f"{v:.3f}" for v in record["holes"].values()) + " |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("longhand")
    parser.add_argument("table", type=pathlib.Path)
    parser.add_argument("missing", type=pathlib.Path)
    parser.add_argument("mnist", type=pathlib.Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--json", type=pathlib.Path)
    a = parser.parse_args()
    record = {}
    if a.mnist:
        holes(a.longhand, a.mnist, 100, record)
    table(a.longhand, read(a.table), read(a.missing) == 1, a.seeds, a.draws, record)
    if a.json:
        a.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
