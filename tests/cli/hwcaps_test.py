#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An installed program brings its models once for each level of x86-64: the loader takes the best
one, all give the same training up to rounding, and nothing of them leaks out.

Usage: hwcaps_test.py MESON BUILD BINDIR LIBDIR LEVELS    (BINDIR and LIBDIR with the prefix)
"""

import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

LOADER = "/lib64/ld-linux-x86-64.so.2"
LIBRARY = "liblonghand-models.so"
EXPORTED = {"make_float_model", "load_float_model", "make_double_model", "load_double_model",
            "instruction_sets"}
# The widest instruction set of each level, as env.json calls it.
WIDEST = {"": "sse2", "x86-64-v2": "sse4.2", "x86-64-v3": "fma", "x86-64-v4": "avx512f"}
MESON = BUILD = ROOT = PROGRAM = LIBRARIES = None
LEVELS = []


def run(*command, env=None):
    done = subprocess.run([str(word) for word in command], env=env, text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


def supported():
    """The levels that this machine's loader looks for, best first."""
    lines = run(LOADER, "--help").splitlines()
    return [line.split()[0] for line in lines if "x86-64-v" in line and "supported" in line]


class Hwcaps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rng = random.Random(1)
        cls.data = ROOT / "data.csv"
        rows = [",".join(f"{rng.random():.3f}" for _ in range(20)) for _ in range(300)]
        cls.data.write_text("\n".join(rows) + "\n")

    def train(self, name, *loader):
        out = ROOT / name
        run(*loader, PROGRAM, "train", "--data", self.data, "--out", out, "--hidden", 30,
            "--latent", 3, "--epochs", 3, "--validation", 0, "--threads", 1, "--quiet",
            env=dict(os.environ, LD_LIBRARY_PATH=str(LIBRARIES)))
        sets = json.loads((out / "env.json").read_text())["instruction_sets"]
        metrics = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
        return sets[-1], metrics[-1]["loss"]

    def test_the_loader_takes_the_best(self):
        best = next((level for level in supported() if level in LEVELS), "")
        self.assertEqual(self.train("best")[0], WIDEST[best])

    def test_every_level_trains_the_same(self):
        plain, loss = self.train("plain", LOADER, "--glibc-hwcaps-mask", "none")
        self.assertEqual(plain, WIDEST[""])
        for level in set(LEVELS) & set(supported()):
            sets, other = self.train(level, LOADER, "--glibc-hwcaps-mask", level)
            self.assertEqual(sets, WIDEST[level])
            self.assertAlmostEqual(other / loss, 1, places=4)

    def test_nothing_else_is_exported(self):
        found = sorted(LIBRARIES.rglob(LIBRARY))
        self.assertEqual(len(found), 1 + len(LEVELS))
        for library in found:
            lines = run("nm", "-DC", "--defined-only", library).splitlines()
            names = [re.fullmatch(r"\w+ T longhand::cli::(\w+)\W.*", line) for line in lines]
            self.assertEqual({name and name[1] for name in names}, EXPORTED, library)


if __name__ == "__main__":
    MESON, BUILD, bindir, libdir, levels = sys.argv[1:6]
    LEVELS = levels.split(",")
    with tempfile.TemporaryDirectory() as folder:
        ROOT = pathlib.Path(folder)
        run(MESON, "install", "-C", BUILD, "--no-rebuild", "--destdir", ROOT / "installed")
        PROGRAM = ROOT / "installed" / pathlib.Path(bindir).relative_to("/") / "longhand"
        LIBRARIES = ROOT / "installed" / pathlib.Path(libdir).relative_to("/")
        unittest.main(argv=sys.argv[:1] + sys.argv[6:])
