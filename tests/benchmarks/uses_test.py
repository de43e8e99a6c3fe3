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
sys.path.insert(0, str(FOLDER))  # they share measures


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


class Impute(unittest.TestCase):
    module = script("impute")

    def test_competitors_on_a_line(self):
        rng = np.random.default_rng(0)
        whole = np.outer(rng.normal(size=300), [1, 2, -1]) + 0.01 * rng.normal(size=(300, 3))
        missing = np.zeros(whole.shape, bool)
        missing[np.arange(0, 300, 3), np.arange(100) % 3] = True
        gaps = np.where(missing, np.nan, whole)

        def error(filled):
            return np.mean((filled - whole)[missing]**2)

        self.assertLess(error(self.module.by_components(gaps, 1)), 0.01)
        self.assertLess(error(self.module.by_neighbours(gaps, 3)), 0.05)
        means = self.module.by_means(gaps)
        np.testing.assert_allclose(means[missing], np.nanmean(gaps, 0)[np.argwhere(missing)[:, 1]])
        for fill in (means, self.module.by_components(gaps, 1), self.module.by_neighbours(gaps, 3)):
            np.testing.assert_array_equal(fill[~missing], whole[~missing])

    def test_a_table(self):
        rng = np.random.default_rng(1)
        whole = np.outer(rng.normal(size=200), [1, 2, -1]) + 0.1 * rng.normal(size=(200, 3))
        gaps = np.where(rng.random(whole.shape) < 0.2, np.nan, whole)
        with tempfile.TemporaryDirectory() as name:
            longhand = self.module.Longhand(PROGRAM, pathlib.Path(name), 20, 0)
            filled = longhand.impute(longhand.train(gaps, (1, 0.3, "none")), gaps, 20)
        np.testing.assert_allclose(filled[~np.isnan(gaps)], gaps[~np.isnan(gaps)], rtol=1e-5)
        self.assertLess(np.mean((filled - whole)[np.isnan(gaps)]**2),
                        np.mean((self.module.by_means(gaps) - whole)[np.isnan(gaps)]**2) / 2)


class Codes(unittest.TestCase):
    module = script("codes")

    def test_agreement(self):
        a, b = np.array([0, 0, 0, 1, 1, 1]), np.array([2, 2, 0, 0, 0, 0])
        nmi, ari, right = self.module.agreement(a, b)
        # As tests/uses/cluster_test.cpp has it.
        self.assertAlmostEqual(ari, (4 - 6 * 7 / 15) / (6.5 - 6 * 7 / 15))
        self.assertAlmostEqual(right, 5 / 6)
        self.assertTrue(0 < nmi < 1)
        for measure in self.module.agreement(a, 1 - a):
            self.assertAlmostEqual(measure, 1)

    def test_competitors(self):
        rng = np.random.default_rng(0)
        labels = np.arange(300) % 3
        x = np.array([[0, 0], [9, 0], [0, 9]])[labels] + rng.normal(size=(300, 2))
        self.assertAlmostEqual(self.module.agreement(self.module.k_means(x, 3, rng), labels)[1], 1)
        groups = self.module.mixture(x, self.module.k_means(x, 3, rng), 3)
        self.assertAlmostEqual(self.module.agreement(groups, labels)[1], 1)
        told = self.module.regression(x, labels, x, rng, steps=300)
        self.assertGreater(np.mean(told == labels), 0.98)


class Signals(unittest.TestCase):
    module = script("signals")

    def test_series_and_rule(self):
        x, odd, kinds = self.module.series(np.random.default_rng(0), True)
        self.assertEqual(x.shape, (self.module.STEPS, 3))
        self.assertTrue(np.array_equal(odd, kinds >= 0))
        self.assertEqual(set(kinds), {-1, 0, 1, 2})
        self.assertFalse(self.module.series(np.random.default_rng(0), False)[1].any())
        flat = np.r_[np.tile([[0.0, 1.0]], (100, 1)) + [[0.1], [-0.1]] * 50, [[5, 1]]]
        self.assertAlmostEqual(self.module.drifting(flat)[100], 50)
        clean = self.module.series(np.random.default_rng(1), False)[0][:400]
        spoilt = clean.copy()
        spoilt[200] += 3
        self.assertEqual(self.module.components(clean, clean, spoilt).argmax(), 200)


unittest.main()
