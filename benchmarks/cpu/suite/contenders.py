# SPDX-License-Identifier: MIT
"""Who takes part, and how each is started."""
import importlib.util
import pathlib
import sys

OURS = "longhand"
PEERS = pathlib.Path(__file__).resolve().parents[1] / "peers"


def ours(program, job):
    return [program, job]


def _peers(table):
    """Those whose package is installed: {name: (package, script, argument...)}."""
    return {name: [sys.executable, PEERS / script, *arguments]
            for name, (package, script, *arguments) in table.items()
            if importlib.util.find_spec(package)}


def training(program, libtorch=None, engines=()):
    """`engines`: (what computes the products, program) of other builds of longhand."""
    cpp = {"PyTorch C++": [libtorch]} if libtorch else {}
    others = {f"{OURS}, {engine}": ours(other, "train") for engine, other in engines}
    return {OURS: ours(program, "train"), **others, **cpp, **_peers({
        "PyTorch eager": ("torch", "torch_train.py", "eager"),
        "torch.compile": ("torch", "torch_train.py", "compile"),
        "JAX jit": ("jax", "jax_train.py", "step"),
        "JAX scan": ("jax", "jax_train.py", "scan"),
    })}


def inference(program):
    return {OURS: ours(program, "infer"), **_peers({
        "onnxruntime": ("onnxruntime", "onnx_infer.py", "model"),
        "onnxruntime, empty graph": ("onnxruntime", "onnx_infer.py", "empty"),
        "PyTorch eager": ("torch", "torch_infer.py"),
        "JAX jit": ("jax", "jax_infer.py"),
    })}


def scaling(program):
    return {OURS: ours(program, "train"),
            **_peers({"PyTorch eager": ("torch", "torch_train.py", "eager")})}
