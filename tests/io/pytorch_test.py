#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the code of docs/pytorch.md against longhand, in both directions.

Usage: pytorch_test.py LOAD_STATE_DICT   (the program of tests/io/load_state_dict.cpp)

Exit codes: 0 all agree, 77 there is no PyTorch (Meson calls that a skip), 1 something differs.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE / "golden"


class Page:
    """The names that the Python blocks of docs/pytorch.md define."""

    def __init__(self):
        text = (HERE.parents[1] / "docs" / "pytorch.md").read_text(encoding="utf-8")
        blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        exec(compile("\n".join(blocks), "docs/pytorch.md", "exec"), self.__dict__)


def compare(what, actual, expected, tolerance):
    actual, expected = (np.asarray(a, dtype=np.float64) for a in (actual, expected))
    if actual.shape != expected.shape:
        sys.exit(f"{what} has shape {actual.shape}, expected {expected.shape}")
    worst = np.max(np.abs(actual - expected) / (1 + np.abs(expected)))
    if not worst <= tolerance:
        sys.exit(f"{what} differs by {worst}, expected at most {tolerance}")
    print(f"{what}: differs by at most {worst:.1e}")


def from_longhand(page):
    """The golden file, loaded with strict=True, computes the numbers written down beside it."""
    numbers = json.loads((GOLDEN / "vae.json").read_text(encoding="utf-8"))
    vae, config = page.load(str(GOLDEN / "vae.safetensors"))
    shift, scale = (torch.tensor(config["input"]["transform"][key]) for key in ("shift", "scale"))
    with torch.no_grad():
        mu, logvar = vae.encode((torch.tensor(numbers["x"]) - shift) / scale)
        output = vae.decoder(mu)
    compare("longhand -> PyTorch: mu", mu, numbers["mu"], 1e-6)
    compare("longhand -> PyTorch: logvar", logvar, numbers["logvar"], 1e-6)
    compare("longhand -> PyTorch: output", output, numbers["output"], 1e-6)
    compare("longhand -> PyTorch: reconstruction", torch.sigmoid(output) * scale + shift,
            numbers["reconstruction"], 1e-6)


def description(encoder, decoder, activation, bound):
    def stages(widths):
        return [{"dense": width, "activation": activation} for width in widths]

    return {"format": 2, "model": "vae", "input": {"rows": 9, "shape": [3, 3, 1]},
            "encoder": stages(encoder), "decoder": stages(decoder),
            "latent": {"kind": "gaussian", "dim": 3, "logvar_bound": bound},
            "likelihood": [{"name": "bernoulli"}]}


def to_longhand(page, program, folder, name, activation, encoder, decoder, bound):
    """A new state dict loads, bare or with its description, and computes what PyTorch computes."""
    torch.manual_seed(3)
    vae = page.Vae(9, encoder, 3, decoder, activation, bound)
    x = 3 * torch.randn(17, 9)
    with torch.no_grad():
        mu, logvar = vae.encode(x)
        expected = {"mu": mu, "logvar": logvar, "mean": torch.sigmoid(vae.decoder(mu))}
    slopes = {"leaky-relu": {"slope": 0.01}, "elu": {"alpha": 1}}
    config = json.dumps(description(encoder, decoder, {"name": name, **slopes.get(name, {})}, bound))
    (folder / "config.json").write_text(config, encoding="utf-8")
    np.save(folder / "x.npy", x.numpy())
    for way, metadata, config_file in (("bare", None, folder / "config.json"),
                                       ("described", {"longhand": config}, "-")):
        page.write_safetensors(str(folder / "model"), vae.state_dict(), metadata)
        subprocess.run([program, folder / "model", config_file, folder / "x.npy", folder],
                       check=True)
        for what, right in expected.items():
            compare(f"PyTorch -> longhand: {name}, {way}: {what}",
                    np.load(folder / f"{what}.npy"), right, 2e-6)


def main(program):
    page = Page()
    from_longhand(page)
    nn = torch.nn
    activations = {"relu": nn.ReLU, "leaky-relu": nn.LeakyReLU, "tanh": nn.Tanh,
                   "sigmoid": nn.Sigmoid, "softplus": nn.Softplus, "elu": nn.ELU, "silu": nn.SiLU,
                   "gelu": nn.GELU, "identity": nn.Identity}
    with tempfile.TemporaryDirectory(prefix="longhand-pytorch-") as name:
        folder = pathlib.Path(name)
        for name, activation in activations.items():
            to_longhand(page, program, folder, name, activation, [8, 5], [5, 8], 15.0)
        to_longhand(page, program, folder, "relu", nn.ReLU, [], [4], None)


if __name__ == "__main__":
    main(*sys.argv[1:])
