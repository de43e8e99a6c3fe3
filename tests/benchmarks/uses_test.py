#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The scripts of benchmarks/uses: their measures by hand, and one of them on a table that is made up.

Usage: uses_test.py FOLDER PROGRAM
"""

import contextlib
import importlib.util
import io
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

try:
    import numpy as np
except ImportError:
    print("skipped: numpy is missing (Debian's python3-numpy)")
    sys.exit(77)

FOLDER, PROGRAM = pathlib.Path(sys.argv.pop(1)), sys.argv.pop(1)


def script(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Anomaly(unittest.TestCase):
    module = script("anomaly")

    def test_measures(self):
        odd = np.array([True, False, True, False])
        scores = np.array([4.0, 3.0, 2.0, 1.0])
        self.assertAlmostEqual(self.module.auroc(scores, odd), 0.75)
        self.assertAlmostEqual(self.module.average_precision(scores, odd), (1 + 2 / 3) / 2)
        self.assertAlmostEqual(self.module.auroc(np.ones(4), odd), 0.5)
        self.assertAlmostEqual(self.module.average_precision(np.ones(4), odd), 0.5)
        mean, half = self.module.spread([1.0, 2.0, 3.0, 4.0, 5.0])
        self.assertAlmostEqual(mean, 3)
        self.assertAlmostEqual(half, 2.776 * np.sqrt(2.5 / 5))

    def test_competitors(self):
        rng = np.random.default_rng(0)
        train = np.outer(rng.normal(size=200), [1, 2]) + 0.01 * rng.normal(size=(200, 2))
        test = np.array([[1, 2], [1, -2.0]])
        for method in (self.module.pca, self.module.nearest):
            near, far = method(train, test)
            self.assertLess(near, far)

    def test_a_table(self):
        rng = np.random.default_rng(1)
        hidden = rng.normal(size=(300, 1))
        x = hidden @ np.array([[1, -1, 2, 0.5]]) + 0.05 * rng.normal(size=(300, 4))
        y = np.arange(300) % 10 == 0
        x[y, 1] += 3
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            np.savez(folder / "1_planted.npz", X=x, y=y.astype(int))
            out = io.StringIO()
            with mock.patch.object(sys, "argv", ["anomaly.py", PROGRAM, name, "--seeds", "2"]), \
                    contextlib.redirect_stdout(out):
                self.module.main()
        cells = out.getvalue().splitlines()[-1].split("|")
        self.assertEqual([cell.strip() for cell in cells[1:5]], ["planted", "300", "4", "30"])
        self.assertGreater(float(cells[5].split("±")[0]), 95)


class Others(unittest.TestCase):
    def test_denoise(self):
        module = script("denoise")
        picture = np.zeros((1, 784))
        picture[0, 400] = 1  # a single pixel goes, a block of nine keeps its middle
        self.assertEqual(module.median(picture).sum(), 0)
        block = np.zeros((1, 28, 28))
        block[0, 5:8, 5:8] = 1
        self.assertEqual(module.median(block.reshape(1, 784))[0, 6 * 28 + 6], 1)
        self.assertAlmostEqual(module.psnr(np.zeros((1, 4)), np.full((1, 4), 0.1))[0], 20)
        u = np.array([0.05, 0.15, 0.5])
        self.assertEqual(list(module.salted(np.full(3, 0.3), u, 0.2)), [0, 1, 0.3])

    def test_edit(self):
        x = np.eye(10)[np.arange(200) % 10]
        classifier = script("edit").Classifier(x, np.arange(200) % 10, steps=50)
        self.assertEqual(list(classifier(np.eye(10))), list(range(10)))


unittest.main()
