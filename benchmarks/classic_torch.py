# SPDX-License-Identifier: MIT
"""The control run: 784-400-20 in PyTorch, as a PyTorch user writes it, on the data and settings of
examples/recipes/classic.toml. Prints one JSON line per epoch: seconds of training, -ELBO on the test
set (z sampled, beta = 1, sums over pixels, mean over rows, nats).

    python3 benchmarks/classic_torch.py DIR [--epochs 10] [--seed 0] [--threads 2]
"""
import argparse
import gzip
import json
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def images(path):
    with gzip.open(path) as file:
        bytes_ = np.frombuffer(file.read(), np.uint8, offset=16)
    return torch.from_numpy(bytes_.reshape(-1, 784).astype(np.float32) / 255)


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.mu, self.logvar = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784))

    def terms(self, x):
        h = F.relu(self.hidden(x))
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        nll = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        return nll, kl


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    train = images(f"{options.data}/train-images-idx3-ubyte.gz")
    test = images(f"{options.data}/t10k-images-idx3-ubyte.gz")
    model = Vae()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(1, options.epochs + 1):
        start = time.perf_counter()
        for rows in torch.randperm(len(train)).split(128):
            nll, kl = model.terms(train[rows])
            loss = (nll + kl) / len(rows)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds = time.perf_counter() - start
        with torch.no_grad():
            total = sum(sum(model.terms(x)).item() for x in test.split(1024))
        print(json.dumps({"epoch": epoch, "seconds": seconds, "test_negative_elbo": total / len(test)}),
              flush=True)


if __name__ == "__main__":
    main()
