#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Faults in a signal: `longhand anomaly` on windows beside a drifting mean and 3 sigma.

Usage: signals.py LONGHAND [--seeds 5] [--json FILE]

Three sensors of a machine that turns at a drifting speed: two positions a quarter of a turn apart
and a load that follows the speed, with noise. Twelve faults of 8 to 20 steps are planted in 4,000
steps, of three kinds: a spike (one sensor is 1 too high), a frozen sensor (one position stays where
it was) and a broken relation (the second position runs the other way). The model is trained on
another series without faults (windows of 32 steps, stride 4, 96-64-4, sigma 0.2) and gives every
time step a score. The competitor is the largest deviation of a sensor from its mean over the last
100 steps, in standard deviations over the same steps; its rule is 3 of them. Beside it stand the
first 8 principal components of the same windows, whose threshold is the quantile 0.99 of the other
series, as longhand's is.
"""

import argparse
import json
import pathlib
import tempfile

import numpy as np

from anomaly import auroc, average_precision
from common import run, spread

STEPS = 4000


def series(rng, faults):
    speed = 0.25 + 0.05 * np.cumsum(rng.normal(size=STEPS)) / np.sqrt(STEPS)
    angle = np.cumsum(np.clip(speed, 0.1, 0.4))
    x = np.c_[np.sin(angle), np.cos(angle), 4 * speed]
    odd, kinds = np.zeros(STEPS, bool), np.full(STEPS, -1)
    for k in range(12 if faults else 0):
        start, length, kind = 300 + 300 * k + rng.integers(100), rng.integers(8, 21), k % 3
        part = slice(start, start + length)
        if kind == 0:
            x[part, rng.integers(3)] += 1
        elif kind == 1:
            x[part, rng.integers(2)] = x[start, 0]
        else:
            x[part, 1] = -x[part, 1]
        odd[part], kinds[part] = True, kind
    return x + 0.05 * rng.normal(size=x.shape), odd, kinds


def drifting(x, last=100):
    score = np.zeros(len(x))
    for t in range(last, len(x)):
        before = x[t - last:t]
        score[t] = np.max(np.abs(x[t] - before.mean(0)) / before.std(0))
    return score


def components(clean, fit, x, k=8, window=32):
    """Of windows of standardised rows what k components leave, in root mean squares over the windows
    of `fit`, as longhand measures deviations; per step the root mean square."""
    mean, deviation = clean.mean(0), clean.std(0)

    def windows(rows):
        rows = (rows - mean) / deviation
        return np.stack([rows[t:t + window].ravel() for t in range(len(rows) - window + 1)])

    train = windows(clean)
    middle = train.mean(0)
    v = np.linalg.svd(train - middle, full_matrices=False)[2][:k]

    def left(rows):
        rest = windows(rows) - middle
        return rest - rest @ v.T @ v

    rest = left(x) / np.sqrt(np.mean(left(fit)**2, 0))
    squares, seen = np.zeros(len(x)), np.zeros(len(x))
    for t, row in enumerate(rest.reshape(len(rest), window, -1)):
        squares[t:t + window] += (row**2).mean(1)
        seen[t:t + window] += 1
    return np.sqrt(squares / seen)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("longhand")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path)
    a = parser.parse_args()
    results = {}
    for seed in range(a.seeds):
        rng = np.random.default_rng(seed)
        clean, _, _ = series(rng, False)
        other, _, _ = series(rng, False)
        new, odd, kinds = series(rng, True)
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for file, x in (("clean", clean), ("fit", other), ("new", new)):
                np.savetxt(folder / f"{file}.csv", x, delimiter=",", header="x,y,load", comments="")
            run(a.longhand, "train", "--data", folder / "clean.csv", "--window", 32, "--stride", 4,
                "--likelihood", "gaussian", "--standardize", "--sigma", "0.2", "--hidden", 64,
                "--latent", 4, "--epochs", 100, "--batch", 64, "--lr", "2e-3", "--seed", seed,
                "--checkpoint-every", "none", "--out", folder / "run")
            found = json.loads(run(a.longhand, "anomaly", folder / "run" / "model.safetensors",
                                   "--data", folder / "new.csv", "--fit", folder / "fit.csv",
                                   "--threshold", "q0.99", "--json"))
        score = np.array([step["score"] for step in found["steps"]])
        verdict = np.array([step["odd"] for step in found["steps"]])
        rule = drifting(new)
        rest = components(clean, other, new)
        limit = np.quantile(components(clean, other, other), 0.99)
        for method, s, v in (("longhand", score, verdict), ("8 components", rest, rest > limit),
                             ("drifting mean", rule, rule > 3)):
            r = results.setdefault(method, {})
            r.setdefault("AUROC", []).append(auroc(s, odd))
            r.setdefault("AUPRC", []).append(average_precision(s, odd))
            r.setdefault("odd steps found", []).append(float(np.mean(v[odd])))
            r.setdefault("false alarms", []).append(float(np.mean(v[~odd])))
            # Normal steps that share a window with a fault, and the others.
            near = np.convolve(odd, np.ones(63), "same") > 0
            r.setdefault("of them near faults", []).append(float(np.mean(v[~odd & near])))
            r.setdefault("elsewhere", []).append(float(np.mean(v[~odd & ~near])))
            for k, kind in enumerate(("spike", "frozen", "relation")):
                rows = (kinds == k) | ~odd
                r.setdefault(f"AUROC, {kind}", []).append(auroc(s[rows], odd[rows]))
    names = list(results["longhand"])
    print("| method | " + " | ".join(names) + " |\n|---" + "|---" * len(names) + "|")
    for method, r in results.items():
        cells = [f"{100 * m:.1f} ± {100 * h:.1f}" for m, h in (spread(r[n]) for n in names)]
        print(f"| {method} | " + " | ".join(cells) + " |")
    if a.json:
        a.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
