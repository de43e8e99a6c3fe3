#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the mutation test on the header of sample/, whose survivors are known.

Exits 77 (skipped) where libclang's Python module is missing.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SURVIVORS = {"-dx * w -> -dx / w", "-dx * w -> -dx"}  # it only ever sees w = 1

try:
    import clang.cindex  # noqa: F401
except ImportError:
    print("python3-clang is missing")
    sys.exit(77)

with tempfile.TemporaryDirectory() as build:
    done = subprocess.run(
        [sys.executable, HERE / "mutation_test.py", "--root", HERE / "sample", "--build", build],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    print(done.stdout)
    result = json.loads((pathlib.Path(build) / "result.json").read_text(encoding="utf-8"))
mutants = result["mutants"]
alive = {m["change"] for m in mutants if m["state"] != "killed"}
killed = {m["change"] for m in mutants if m["state"] == "killed"}
expected = {  # one of each kind of change
    "x - c -> x + c", "x - c -> c - x", "x - c -> x", "x - c -> -c",      # sign, operands, terms
    "w * r -> w / r", "w * r -> w", "w * r -> 2 * (w * r)", "w * r -> (w * r) / 2",
    "0.5 -> 2 * 0.5", "x -> w", "-dx -> dx", "y = T(0.5) * w * r * r -> (dropped)"}
problems = [f"{change}: should have survived" for change in sorted(SURVIVORS - alive)]
problems += [f"{change}: should have been killed" for change in sorted(alive - SURVIVORS)]
problems += [f"{change}: no such mutant" for change in sorted(expected - killed)]
if done.returncode != 1:
    problems.append(f"the survivors gave exit status {done.returncode}, expected 1")
print("\n".join(problems) or f"{len(killed)} killed, {len(alive)} survivors found, as expected")
sys.exit(1 if problems else 0)
