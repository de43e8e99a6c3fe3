#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What codes know of labels that nobody told: `longhand cluster` and `longhand probe` on digits.

Usage: codes.py LONGHAND MNIST [--seeds 5] [--rows 20000] [--epochs 20] [--json FILE]

Models of 784-400-20 (Bernoulli likelihood) are trained on the first training pictures, without
labels. Their codes of the 10,000 test pictures are grouped into ten; the labels judge. Beside them
stand the same k-means on pixels and on 20 principal components of the training pictures. A linear
classifier learns the labels of the training pictures from codes, components or pixels and is judged
by the test pictures.
"""

import argparse
import json
import pathlib
import tempfile

import numpy as np

from common import idx, pictures, run, spread


def contingency(a, b):
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    return table


def agreement(groups, labels):
    """NMI, ARI, and how many are right if each group is named after its most frequent label."""
    t = contingency(groups, labels)
    n, p, q = t.sum(), t.sum(1), t.sum(0)
    joint = t[t > 0] / n
    entropy = [-np.sum(v[v > 0] / n * np.log(v[v > 0] / n)) for v in (p, q)]
    mutual = np.sum(joint * np.log(joint / np.outer(p / n, q / n)[t > 0]))
    pairs = lambda v: np.sum(v * (v - 1) / 2)
    expected = pairs(p) * pairs(q) / pairs(n)
    rand = (pairs(t.ravel()) - expected) / ((pairs(p) + pairs(q)) / 2 - expected)
    return mutual / np.mean(entropy), rand, t.max(1).sum() / n


def k_means(x, k, rng, restarts=3):
    best = (np.inf, None)
    for _ in range(restarts):
        centres = [x[rng.integers(len(x))]]
        nearest = np.full(len(x), np.inf)
        for _ in range(k - 1):
            nearest = np.minimum(nearest, np.sum((x - centres[-1])**2, 1))
            centres.append(x[rng.choice(len(x), p=nearest / nearest.sum())])
        c = np.array(centres)
        for _ in range(100):
            d = np.sum(x**2, 1)[:, None] + np.sum(c**2, 1) - 2 * x @ c.T
            of = d.argmin(1)
            new = np.array([x[of == j].mean(0) if np.any(of == j) else c[j] for j in range(k)])
            if np.allclose(new, c):
                break
            c = new
        squares = d.min(1).sum()
        if squares < best[0]:
            best = (squares, of)
    return best[1]


def mixture(x, groups, k, rounds=200):
    """A mixture of Gaussians with full covariances from the groups of k-means, as longhand has it."""
    r = np.eye(k)[groups]
    ridge, before = 1e-6 * x.var(0).mean(), -np.inf
    for _ in range(rounds):
        n = r.sum(0) + 1e-15
        means = (r.T @ x) / n[:, None]
        logs = np.empty((len(x), k))
        for j in range(k):
            centred = x - means[j]
            covariance = (centred * r[:, j:j + 1]).T @ centred / n[j] + ridge * np.eye(x.shape[1])
            root = np.linalg.cholesky(covariance)
            white = np.linalg.solve(root, centred.T)
            logs[:, j] = (np.log(n[j] / len(x)) - np.log(np.diag(root)).sum()
                          - 0.5 * (white**2).sum(0) - 0.5 * x.shape[1] * np.log(2 * np.pi))
        top = logs.max(1, keepdims=True)
        likelihood = top[:, 0] + np.log(np.exp(logs - top).sum(1))
        r = np.exp(logs - likelihood[:, None])
        if likelihood.mean() - before < 1e-4:
            break
        before = likelihood.mean()
    return r.argmax(1)


def regression(train, labels, test, rng, steps=3000):
    """Multinomial logistic regression by Adam, as `longhand probe` has it."""
    mean, scale = train.mean(0), train.std(0)
    scale[scale == 0] = 1
    x, y = (train - mean) / scale, np.eye(labels.max() + 1)[labels]
    w = np.zeros((x.shape[1] + 1, y.shape[1]))
    m, v = np.zeros_like(w), np.zeros_like(w)
    x = np.c_[x, np.ones(len(x))]
    for t in range(1, steps + 1):
        rows = rng.integers(len(x), size=512)
        logits = x[rows] @ w
        p = np.exp(logits - logits.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        g = x[rows].T @ (p - y[rows]) / len(rows) + w / len(x)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        rate = 0.01 * (1 + np.cos(np.pi * t / steps))
        w -= rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return (np.c_[(test - mean) / scale, np.ones(len(test))] @ w).argmax(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("longhand")
    parser.add_argument("mnist", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=20000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--json", type=pathlib.Path)
    a = parser.parse_args()
    train = pictures(a.mnist / "train-images-idx3-ubyte.gz")[:a.rows]
    labels = idx(a.mnist / "train-labels-idx1-ubyte.gz", 8)[:a.rows].astype(int)
    test = pictures(a.mnist / "t10k-images-idx3-ubyte.gz")
    truth = idx(a.mnist / "t10k-labels-idx1-ubyte.gz", 8).astype(int)
    mean = train.mean(0)
    v = np.linalg.eigh(np.cov((train - mean).T))[1][:, ::-1][:, :20]
    components = ((train - mean) @ v, (test - mean) @ v)
    found, told = {}, {}
    for seed in range(a.seeds):
        rng = np.random.default_rng(seed)
        groups = {"k-means, pixels": k_means(test, 10, rng),
                  "k-means, 20 components": k_means(components[1], 10, rng)}
        groups["mixture, 20 components"] = mixture(components[1], groups["k-means, 20 components"], 10)
        with tempfile.TemporaryDirectory() as name:
            out = pathlib.Path(name)
            run(a.longhand, "train", "--data", a.mnist, "--rows", f"0:{a.rows}", "--hidden", 400,
                "--latent", 20, "--epochs", a.epochs, "--seed", seed, "--checkpoint-every", "none",
                "--out", out / "run")
            model = out / "run" / "model.safetensors"
            for method in ("k-means", "mixture"):
                run(a.longhand, "cluster", model, "--data", a.mnist, "--k", 10, "--method", method,
                    "--seed", seed, "--out", out / "groups.csv")
                table = np.genfromtxt(out / "groups.csv", delimiter=",", skip_header=1)
                groups[f"{method}, codes"] = table.reshape(len(test), -1)[:, 0].astype(int)
            # The same rows for all: the program's own probe reads the whole training part.
            codes = []
            for split, rows in (("train", a.rows), ("test", len(test))):
                run(a.longhand, "embed", model, "--data", a.mnist, "--split", split, "--out",
                    out / "codes.npy")
                codes.append(np.load(out / "codes.npy")[:rows].astype("f8"))
            probe = json.loads(run(a.longhand, "probe", model, "--data", a.mnist, "--json"))
        for method, g in groups.items():
            found.setdefault(method, []).append(agreement(g, truth))
        for method, (x, y) in {"codes": codes, "20 components": components,
                               "pixels": (train, test)}.items():
            right = np.mean(regression(x, labels, y, rng) == truth)
            told.setdefault(method, []).append(float(right))
        told.setdefault("codes, longhand probe on 60,000", []).append(probe["accuracy"])
        told.setdefault("majority", []).append(probe["majority_accuracy"])
        print(f"seed {seed} done", flush=True)
    print("| groups | NMI | ARI | right if named after the majority |\n|---|---|---|---|")
    for method, values in found.items():
        cells = [f"{m:.3f} ± {h:.3f}" for m, h in (spread(v) for v in zip(*values))]
        print(f"| {method} | " + " | ".join(cells) + " |")
    print("| linear classifier on | accuracy |\n|---|---|")
    for method, values in told.items():
        m, h = spread(values)
        print(f"| {method} | {100 * m:.2f} ± {100 * h:.2f} |")
    if a.json:
        a.json.write_text(json.dumps({"groups": found, "accuracy": told}, indent=1) + "\n")


if __name__ == "__main__":
    main()
