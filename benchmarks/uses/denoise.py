#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Denoising digits: `longhand denoise` beside a median filter and principal components.

Usage: denoise.py LONGHAND MNIST [--epochs 20] [--rows 60000] [--json FILE]

Noise is drawn here, clipped to [0, 1] as a picture is, and the same for all methods. Models are
784-400-64 with a Bernoulli likelihood, trained on MNIST's training pictures: a VAE on clean ones,
and for each kind of noise a VAE and an autoencoder with `train --corrupt`. The median filter looks at 3 x 3 pixels. The number of
principal components is the best of 10, 20, 40, 80 and 160 on 1,000 training pictures with other
noise. All 10,000 test pictures are denoised once; the figures are means over them.
"""

import argparse
import json
import pathlib
import tempfile

import numpy as np

from common import pictures, run

NOISES = {"gaussian:0.3": lambda x, rng: np.clip(x + 0.3 * rng.normal(size=x.shape), 0, 1),
          "mask:0.5": lambda x, rng: np.where(rng.random(x.shape) < 0.5, 0, x),
          "salt:0.2": lambda x, rng: salted(x, rng.random(x.shape), 0.2)}


def salted(x, u, p):
    return np.where(u < p / 2, 0, np.where(u < p, 1, x))


def psnr(clean, got):
    return -10 * np.log10(np.mean((clean - got)**2, 1))


def median(x):
    padded = np.pad(x.reshape(-1, 28, 28), ((0, 0), (1, 1), (1, 1)))
    windows = [padded[:, h:h + 28, w:w + 28] for h in range(3) for w in range(3)]
    return np.median(windows, 0).reshape(-1, 784)


class Components:
    def __init__(self, train):
        self.mean = train.mean(0)
        _, vectors = np.linalg.eigh(np.cov((train - self.mean).T))
        self.vectors = vectors[:, ::-1]

    def project(self, x, k):
        v = self.vectors[:, :k]
        return np.clip((x - self.mean) @ v @ v.T + self.mean, 0, 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("longhand")
    parser.add_argument("mnist", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rows", type=int, default=60000)
    parser.add_argument("--json", type=pathlib.Path)
    a = parser.parse_args()
    train = pictures(a.mnist / "train-images-idx3-ubyte.gz")[:a.rows]
    test = pictures(a.mnist / "t10k-images-idx3-ubyte.gz")
    pca = Components(train)
    record = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        np.save(folder / "clean.npy", test.astype("f4").reshape(-1, 28, 28))

        def model(kind, corrupt):
            out = folder / (kind + corrupt.replace(":", "-"))
            run(a.longhand, "train", "--data", a.mnist, "--rows", f"0:{a.rows}", "--model", kind,
                "--hidden", 400, "--latent", 64, "--epochs", a.epochs, "--corrupt", corrupt, "--checkpoint-every",
                "none", "--out", out)
            return out / "model.safetensors"

        def quality(file, rows):
            """PSNR and SSIM by the program, of what stands in an array."""
            np.save(folder / "rows.npy", rows.astype("f4").reshape(-1, 28, 28))
            text = run(a.longhand, "denoise", file, "--data", folder / "rows.npy", "--clean",
                       folder / "clean.npy", "--json", "--out", folder / "out.npy")
            return json.loads(text)

        plain = model("vae", "none")
        print("| noise | noisy | median 3x3 | PCA | VAE of clean digits | VAE, --corrupt | AE, --corrupt |\n"
              "|---|---|---|---|---|---|---|", flush=True)
        for noise, make in NOISES.items():
            rng = np.random.default_rng(1)
            noisy = make(test, rng)
            sample = train[:1000]
            worse = make(sample, rng)
            k = max((10, 20, 40, 80, 160), key=lambda k: psnr(sample, pca.project(worse, k)).mean())
            projected = quality(plain, noisy)
            results = {"noisy": projected["noisy"],
                       "median": quality(plain, median(noisy))["noisy"],
                       f"PCA ({k})": quality(plain, pca.project(noisy, k))["noisy"],
                       "clean model": projected["denoised"]}
            for kind in ("vae", "ae"):
                results[kind] = quality(model(kind, noise), noisy)["denoised"]
            record[noise] = results
            cells = [f"{r['psnr']:.2f} dB, {r['ssim']:.3f}" + (f" ({k})" if n.startswith("PCA") else "")
                     for n, r in results.items()]
            print(f"| {noise} | " + " | ".join(cells) + " |", flush=True)
    if a.json:
        a.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
