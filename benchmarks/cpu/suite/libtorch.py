# SPDX-License-Identifier: MIT
"""Compiles the C++ peer against the headers and libraries inside the PyTorch wheel."""
import importlib.util
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parents[1]


def compiled(build, log):
    """The program, or None where there is no PyTorch or it cannot be compiled: the others go on."""
    found = importlib.util.find_spec("torch")
    if found is None:
        return None
    torch = pathlib.Path(found.origin).parent
    program, stamp = build / "results/libtorch_train", build / "results/libtorch_train.for"
    source = HERE / "peers/libtorch_train.cpp"
    made_of = f"{torch} {torch.stat().st_mtime_ns} {source.stat().st_mtime_ns}"
    if program.exists() and stamp.exists() and stamp.read_text() == made_of:
        return program
    folders = [torch / "include", torch / "include/torch/csrc/api/include",
               HERE.parents[1] / "include"]
    libraries = [torch / "lib", build / "src"]
    command = [
        "g++", "-std=c++20", "-O2", "-march=native", *(f"-I{folder}" for folder in folders),
        source, HERE / "protocol.cpp", "-o", program,
        *(f"-L{folder}" for folder in libraries), *(f"-Wl,-rpath,{folder}" for folder in libraries),
        "-Wl,--no-as-needed", "-ltorch", "-ltorch_cpu", "-lc10", "-llonghand-io"]
    print("compiling the libtorch peer", flush=True)
    if subprocess.run(command, stdout=log, stderr=log).returncode != 0:
        print(f"    the libtorch peer does not compile; see {log.name}", file=sys.stderr)
        return None
    stamp.write_text(made_of)
    return program
