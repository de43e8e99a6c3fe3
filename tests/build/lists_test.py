#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The build lists its files by name; this fails when a file of the tree is in no list.

Usage: lists_test.py REGISTERED_TEST...   (paths below tests/, from tests/meson.build)
"""

import pathlib
import sys

root = pathlib.Path(__file__).resolve().parents[2]


def names(folder, pattern):
    top = root / folder
    return {path.relative_to(top).as_posix() for path in top.rglob(pattern)}


def listed(folder):
    """The words between quotes in a meson.build."""
    lines = (root / folder / "meson.build").read_text(encoding="utf-8").splitlines()
    code = "".join(line.partition("#")[0] for line in lines)  # comments have apostrophes
    return set(code.split("'")[1::2])


missing = [f"include/{name} is not in include/meson.build"
           for name in names("include", "*.?pp") | names("include", "*.cuh")
           if name not in listed("include")]
missing += [f"src/{name} is not in src/meson.build"
            for name in names("src", "*.cpp") - listed("src")]
missing += [f"cuda/{name} is not in cuda/meson.build"
            for name in (names("cuda", "*.cpp") | names("cuda", "*.cu")) - listed("cuda")]
missing += [f"{folder}/{name} is not in {folder}/meson.build"
            for folder in ("benchmarks/cpu", "benchmarks/gpu", "benchmarks/micro", "studies/gradcheck")
            for name in {path.name for path in (root / folder).glob("*.cpp")}
            - listed(folder) - {word + ".cpp" for word in listed(folder)}]
missing += [f"examples/{name} is not in examples/meson.build"
            for name in names("examples", "*.cpp") - {name + ".cpp" for name in listed("examples")}]
missing += [f"tests/{name} is not in tests/meson.build"
            for name in (names("tests", "*_test.cpp") | names("tests", "fuzz/fuzz_*.cpp"))
            - set(sys.argv[1:])]

for line in sorted(missing):
    print(line)
sys.exit(1 if missing else 0)
