#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the golden model files compute, by NumPy in float64, from the files alone: the judge of
tests/io/golden/*.json, which the C++ test reads.

Usage: golden_numbers.py [--write]   compares, or writes the numbers of files that are new

Exit codes: 0 all agree, 77 there is no NumPy (Meson calls that a skip), 1 one differs.
"""

import json
import pathlib
import struct
import sys

try:
    import numpy as np
except ImportError:
    print("skipped: no NumPy")
    sys.exit(77)

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"
# Inputs in the user's units, one row per sample.
INPUTS = {
    "aae": {"x": [[0, 255, 51, 102, 204, 17], [255, 0, 3, 80, 130, 250], [1, 2, 3, 4, 5, 6]]},
    "vae": {"x": [[0, 255, 51, 102, 204, 17], [255, 0, 3, 80, 130, 250], [1, 2, 3, 4, 5, 6]]},
    "cvae": {"x": [[0.5, -1.0, 0.25, 2.0, 5.001, 0.0], [-2.0, 3.0, 1.0, -0.5, 4.998, 7.0]],
             "condition": [[1.0, 0.0], [0.25, -1.5]]},
}


def read_safetensors(path):
    data = path.read_bytes()
    length, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        dtype = {"F32": "<f4", "F64": "<f8"}[entry["dtype"]]
        flat = np.frombuffer(data[8 + length + begin:8 + length + end], dtype)
        tensors[name] = flat.reshape(entry["shape"]).astype(np.float64)
    return tensors, metadata


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def activation(choice):
    slope = choice.get("slope")
    return {"relu": lambda a: np.maximum(a, 0),
            "leaky-relu": lambda a: np.where(a > 0, a, slope * a)}[choice["name"]]


def numbers(name):
    tensors, metadata = read_safetensors(GOLDEN / f"{name}.safetensors")
    config = json.loads(metadata["longhand"])

    def dense(layer, x):
        return x @ tensors[f"{layer}.weight"].T + tensors[f"{layer}.bias"]

    def hidden(prefix, stages, x):
        for number, stage in enumerate(stages):
            x = activation(stage["activation"])(dense(f"{prefix}.{2 * number}", x))
        return x

    inputs = {key: np.array(rows, np.float64) for key, rows in INPUTS[name].items()}
    condition = inputs.get("condition", np.zeros((len(inputs["x"]), 0)))
    transform = config["input"]["transform"]
    shift, scale = (np.array(transform[key]) for key in ("shift", "scale"))
    rows = config["input"]["rows"]

    h = hidden("encoder", config["encoder"],
               np.hstack([(inputs["x"] - shift) / scale, condition]))
    mu = dense("mu", h)
    more = {}
    if config["latent"]["kind"] == "gaussian":
        logvar, bound = dense("logvar", h), config["latent"]["logvar_bound"]
        more["logvar"] = logvar if bound is None else bound * np.tanh(logvar / bound)
    if "discriminator" in config:  # of a code, which has no noise: -log D(z)
        stages = config["discriminator"]
        logit = dense(f"discriminator.{2 * len(stages)}", hidden("discriminator", stages, mu))
        more["fooled"] = np.log1p(np.exp(-logit))
    depth = len(config["decoder"])
    output = dense(f"decoder.{2 * depth}",
                   hidden("decoder", config["decoder"], np.hstack([mu, condition])))
    likelihood, = config["likelihood"]
    through_sigmoid = likelihood["name"] == "bernoulli" or likelihood["output"] == "sigmoid"
    mean = output[:, :rows]
    mean = (sigmoid(mean) if through_sigmoid else mean) * scale + shift
    for key in ("scalar", "library", "checksum"):
        del config[key]
    return {"config": config, **{key: value.tolist() for key, value in inputs.items()},
            "mu": mu.tolist(), **{key: value.tolist() for key, value in more.items()},
            "output": output.tolist(), "reconstruction": mean.tolist()}


def main(arguments):
    failures = []
    for name in INPUTS:
        computed, path = numbers(name), GOLDEN / f"{name}.json"
        if arguments == ["--write"]:
            if not path.exists():
                path.write_text(json.dumps(computed, indent=1) + "\n", encoding="utf-8")
            continue
        written = json.loads(path.read_text(encoding="utf-8"))
        for key, value in computed.items():
            same = value == written[key] if key == "config" else (
                np.abs(np.array(value) - np.array(written[key])).max() <= 1e-12)
            if not same:
                failures.append(f"{name}.json: {key} is {written[key]}, expected {value}")
    print("\n".join(failures) or "the numbers agree")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
