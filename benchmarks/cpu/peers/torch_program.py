# SPDX-License-Identifier: MIT
"""The whole program as a PyTorch user writes it: reads MNIST's files, trains 784-400-20, saves the
model; the counterpart of `longhand train`.

    torch_program.py DATA OUT [--epochs 10] [--seed 0] [--threads 2] [--evaluate]

OUT/metrics.jsonl gets one line per epoch: epoch, loss (nats per row), seconds. --evaluate prints
the -ELBO of the test pictures, z sampled, in nats per row.
"""
import argparse
import gzip
import json
import pathlib
import time

import numpy as np
import torch

from torch_vae import Vae


def images(path):
    with gzip.open(path) as file:
        content = np.frombuffer(file.read(), np.uint8, offset=16)
    return torch.from_numpy(content.reshape(-1, 784).astype(np.float32) / 255)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--evaluate", action="store_true")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    data = images(options.data / "train-images-idx3-ubyte.gz")
    model = Vae(784, [400], 20)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    options.out.mkdir(parents=True, exist_ok=True)
    with open(options.out / "metrics.jsonl", "w") as metrics:
        for epoch in range(1, options.epochs + 1):
            start, total = time.perf_counter(), torch.zeros(())
            for rows in torch.randperm(len(data)).split(128):
                loss = model.loss(data[rows])
                optimizer.zero_grad()
                (loss / len(rows)).backward()
                optimizer.step()
                total += loss.detach()
            print(json.dumps({"epoch": epoch, "loss": total.item() / len(data),
                              "seconds": time.perf_counter() - start}), file=metrics)
    torch.save(model.state_dict(), options.out / "model.pt")
    if options.evaluate:
        test = images(options.data / "t10k-images-idx3-ubyte.gz")
        with torch.no_grad():
            print(sum(model.loss(x).item() for x in test.split(1024)) / len(test))


if __name__ == "__main__":
    main()
