# SPDX-License-Identifier: MIT
"""Times `longhand train` beside the PyTorch control on the same data, settings and threads, in turn,
and prints medians of seconds per epoch and the test figures of both.

    scripts/demo                                   # builds the program
    python3 benchmarks/classic.py [--data DIR] [--program build/demo/src/longhand] [--runs 3] [--epochs 3]

Needs PyTorch for the Python that runs it (Debian: python3-torch, /usr/bin/python3).
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent


def ours(options, threads, seed, folder):
    subprocess.run(
        [options.program, "train", "--data", options.data, "--out", folder,
         "--config", HERE.parent / "examples/recipes/classic.toml", "--epochs", str(options.epochs),
         "--validation", "0", "--logvar-bound", "none", "--threads", str(threads),
         "--seed", str(seed), "--quiet"], check=True)
    lines = pathlib.Path(folder, "metrics.jsonl").read_text().splitlines()
    seconds = [json.loads(line)["seconds"] for line in lines]
    evaluation = subprocess.run(
        [options.program, "evaluate", pathlib.Path(folder, "model.safetensors"),
         "--data", options.data, "--json"], check=True, capture_output=True, text=True)
    return seconds, -json.loads(evaluation.stdout)["elbo"]


def control(options, threads, seed):
    result = subprocess.run(
        [sys.executable, HERE / "classic_torch.py", options.data, "--epochs", str(options.epochs),
         "--threads", str(threads), "--seed", str(seed)], check=True, capture_output=True, text=True)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return [line["seconds"] for line in lines], lines[-1]["test_negative_elbo"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--program", default=HERE.parent / "build/demo/src/longhand")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    import torch
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, PyTorch {torch.__version__}")
    for threads in sorted({1, os.cpu_count()}):
        seconds, figures = {"longhand": [], "PyTorch": []}, {"longhand": [], "PyTorch": []}
        for run in range(options.runs):
            with tempfile.TemporaryDirectory() as folder:
                for name, result in (("longhand", ours(options, threads, run, folder)),
                                     ("PyTorch", control(options, threads, run))):
                    seconds[name] += result[0]
                    figures[name].append(round(result[1], 2))
        medians = {name: statistics.median(values) for name, values in seconds.items()}
        print(f"{threads} thread(s): longhand {medians['longhand']:.3f} s per epoch, PyTorch "
              f"{medians['PyTorch']:.3f} s, ratio {medians['PyTorch'] / medians['longhand']:.2f}; "
              f"test -ELBO after {options.epochs} epochs {figures}")


if __name__ == "__main__":
    main()
