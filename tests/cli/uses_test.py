#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What models are used for, through the program longhand: every such command on small data.

Usage: uses_test.py PROGRAM [unittest arguments]
"""

import csv
import gzip
import json
import math
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import unittest

import cli_test
from cli_test import (PIXELS, SIDE, TEST_ROWS, longhand, png_size, read_csv, read_npy, sheet,
                      write_npy)

PROTO = pathlib.Path(__file__).with_name("events.proto")


def write_csv(path, names, rows):
    cells = [",".join("" if isinstance(v, float) and math.isnan(v) else
                      v if isinstance(v, str) else repr(v) for v in row) for row in rows]
    path.write_text("\n".join([",".join(names), *cells]) + "\n")


class Anomalies(cli_test.Case):
    """Odd rows, planted where the answer is known."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rng = random.Random(3)

        def write(name, rows, planted=False):
            lines = ["temp,\"power, kW\",flow"]
            for j in range(rows):
                a, b = rng.gauss(0, 1), rng.gauss(0, 1)
                values = [20 + a, 1000 + 300 * (a + b), 5 + b]
                if planted and j % 10 == 3:
                    values[1] += 3000
                lines.append(",".join(f"{v + 0.05 * v * rng.gauss(0, 0.1):.4f}" for v in values))
            path = cls.folder / name
            path.write_text("\n".join(lines) + "\n")
            return path

        cls.clean, cls.normal = write("clean.csv", 400), write("normal.csv", 200)
        cls.new = write("new.csv", 50, planted=True)
        cls.run_folder = cls.folder / "table"
        done = longhand("train", "--data", cls.clean, "--out", cls.run_folder, "--likelihood",
                        "gaussian", "--sigma", 0.3, "--standardize", "--hidden", 16, "--latent", 2,
                        "--epochs", 40, "--lr", 0.01)
        assert done.returncode == 0, done.stderr
        cls.table = cls.run_folder / "model.safetensors"

    def anomaly(self, *arguments):
        return self.good("anomaly", self.table, "--data", self.new, *arguments)

    def test_planted_rows_are_odd_and_their_column_is_blamed(self):
        out = self.folder / "odd.csv"
        done = self.anomaly("--fit", self.normal, "--threshold", "q0.95", "--out", out)
        self.assertEqual(done.stdout, "")
        rows = list(csv.DictReader(out.read_text().splitlines()))
        self.assertEqual(list(rows[0]), ["row", "score", "reconstruction", "kl", "p", "odd",
                                         "column", "actual", "expected", "deviation"])
        odd = [int(row["row"]) for row in rows if row["odd"] == "1"]
        self.assertLessEqual({3, 13, 23, 33, 43}, set(odd))
        self.assertIn(f"{len(odd)} of 50 rows are above", done.stderr)
        self.assertIn("the quantile 0.95 of 200 normal rows", done.stderr)
        for row in rows:
            self.assertAlmostEqual(float(row["score"]),
                                   float(row["reconstruction"]) + float(row["kl"]), places=9)
            self.assertTrue(1 / 201 <= float(row["p"]) <= 1)
            if int(row["row"]) % 10 == 3:
                self.assertEqual(row["column"], "power, kW")
                self.assertGreater(float(row["actual"]) - float(row["expected"]), 1000)
                self.assertGreater(float(row["deviation"]), 3)

    def test_rows_of_the_training_stand_in_and_thresholds_in_nats(self):
        self.assertIn("of 40 normal rows (the validation rows of",
                      self.anomaly("--threshold", "q0.9").stderr)
        alone = self.folder / "alone" / "model.safetensors"
        alone.parent.mkdir()
        shutil.copy(self.table, alone)
        done = self.good("anomaly", alone, "--data", self.new, "--threshold", "-1e3")
        self.assertEqual(done.stderr, "50 of 50 rows are above -1000 nats\n")
        self.assertEqual(done.stdout.splitlines()[0],
                         "row,score,reconstruction,kl,odd,column,actual,expected,deviation")
        self.bad(2, "--fit FILE is missing", "anomaly", alone, "--data", self.new, "--threshold",
                 "q0.9")

    def test_json_blame_and_scores(self):
        result = json.loads(self.anomaly("--fit", self.normal, "--blame", 5, "--json").stdout)
        self.assertEqual((result["threshold"], result["normal_rows"]), (None, 200))
        for row in result["rows"]:
            self.assertEqual({b["column"] for b in row["blame"]}, {"temp", "power, kW", "flow"})
            deviations = [abs(b["deviation"]) for b in row["blame"]]
            self.assertEqual(deviations, sorted(deviations, reverse=True))
        scores = list(csv.DictReader(self.good("score", self.table, "--data",
                                               self.new).stdout.splitlines()))
        for row, score in zip(result["rows"], scores):
            self.assertAlmostEqual(row["score"], -float(score["elbo"]), places=9)
        none = self.anomaly("--blame", 0).stdout.splitlines()
        self.assertEqual(none[0], "row,score,reconstruction,kl,p")

    def test_bad_thresholds_and_rows(self):
        for value in ("q1", "q0", "q", "qx", "abc", "nan", ""):
            self.bad(2, f"--threshold: is '{value}', expected qQ", "anomaly", self.table, "--data",
                     self.new, "--threshold", value)
        self.bad(2, "needs at least 999 normal rows, here are 200", "anomaly", self.table,
                 "--data", self.new, "--fit", self.normal, "--threshold", "q0.999")
        self.bad(3, "nowhere.csv", "anomaly", self.table, "--data", self.new, "--fit",
                 self.folder / "nowhere.csv")
        self.bad(2, "--out", "anomaly", self.table, "--data", self.new, "--out",
                 self.folder / "odd.npy")


class Denoise(cli_test.Case):
    """Noisy rows, and how near they come to clean ones."""

    def test_quality_of_what_is_known(self):
        result = json.loads(self.good("denoise", self.model, "--data", self.data, "--corrupt",
                                      "mask:0.3", "--json", "--count", 20).stdout)
        self.assertEqual(list(result), ["rows", "noisy", "denoised"])
        self.assertEqual(result["rows"], 20)
        clean, noisy = self.folder / "clean.npy", self.folder / "noisy.npy"
        rng = random.Random(8)
        pixels = [rng.random() for _ in range(10 * PIXELS)]
        write_npy(clean, "<f4", [10, SIDE, SIDE], pixels)
        write_npy(noisy, "<f4", [10, SIDE, SIDE], [v / 2 for v in pixels])
        out = self.folder / "denoised.npy"
        done = self.good("denoise", self.model, "--data", noisy, "--clean", clean, "--json",
                         "--out", out)
        quality = json.loads(done.stdout)
        # By hand: the error is half of every pixel, in units of the range.
        rows = [pixels[k * PIXELS:(k + 1) * PIXELS] for k in range(10)]
        reach = max(pixels) - min(pixels)
        wanted = sum(10 * math.log10(reach**2 * PIXELS / sum((v / 2)**2 for v in row))
                     for row in rows) / 10
        self.assertAlmostEqual(quality["noisy"]["psnr"], wanted, places=4)
        self.assertTrue(0 < quality["noisy"]["ssim"] < 1)
        same = json.loads(self.good("denoise", self.model, "--data", clean, "--clean", clean,
                                    "--json").stdout)
        self.assertAlmostEqual(same["noisy"]["ssim"], 1, places=12)
        self.assertIn("noisy PSNR", done.stderr)
        # Noise may leave the domain of the likelihood, which what is reproduced must not.
        far = self.folder / "far.npy"
        write_npy(far, "<f4", [10, SIDE, SIDE], [4 * v - 1.5 for v in pixels])
        self.good("denoise", self.model, "--data", far, "--clean", clean, "--out", out)
        self.bad(3, "the domain of the likelihood", "reconstruct", self.model, "--data", far)
        write_npy(far, "<f4", [1, SIDE, SIDE], [math.inf] * PIXELS)
        self.bad(3, "expected a finite number", "denoise", self.model, "--data", far)
        self.good("denoise", self.model, "--data", noisy, "--out", out)
        again = self.folder / "reconstructed.npy"
        self.good("reconstruct", self.model, "--data", noisy, "--out", again)
        self.near(read_npy(out), read_npy(again))

    def test_pictures(self):
        png = self.folder / "denoised.png"
        self.good("denoise", self.model, "--data", self.data, "--out", png, "--count", 8)
        self.assertEqual(png_size(png), sheet(8, 2))  # noisy, denoised
        self.good("denoise", self.model, "--data", self.data, "--out", png, "--count", 8,
                  "--corrupt", "salt:0.2")
        self.assertEqual(png_size(png), sheet(8, 3))  # clean, noisy, denoised

    def test_bad_pairs(self):
        clean = self.folder / "few.npy"
        write_npy(clean, "<f4", [2, SIDE, SIDE], [0.5] * (2 * PIXELS))
        self.bad(3, "has 2 rows, expected", "denoise", self.model, "--data", self.data, "--clean",
                 clean)
        self.bad(2, "expected one of them", "denoise", self.model, "--data", self.data, "--clean",
                 clean, "--corrupt", "mask:0.1")
        self.bad(2, "--corrupt: is 'blur:3'", "denoise", self.model, "--data", self.data,
                 "--corrupt", "blur:3")


class Edits(cli_test.Case):
    """Codes that are moved from one class to another, or along a vector."""

    def test_labels(self):
        rows = self.folder / "edited.npy"
        self.good("edit", self.model, "--data", self.data, "--direction", "labels:3:8", "--out",
                  rows)
        (count, _), _ = read_npy(rows)
        whole = self.good("edit", self.model, "--data", self.data, "--direction", "labels:3:8",
                          "--count", 2).stdout
        self.assertEqual(len(whole.splitlines()), 3)
        self.assertGreater(count, 2)
        # With a strength of 0 it is the reconstruction; and the way back is minus the way there.
        still = self.good("edit", self.model, "--data", self.data, "--direction", "labels:3:8",
                          "--strength", 0, "--count", 1).stdout
        self.assertNotEqual(still, self.good("edit", self.model, "--data", self.data,
                                             "--direction", "labels:3:8", "--count", 1).stdout)
        png = self.folder / "edited.png"
        self.good("edit", self.model, "--data", self.data, "--direction", "labels:3:8", "--out",
                  png, "--count", 4)
        self.assertEqual(png_size(png), sheet(4, 3))  # original, reconstruction, edited

    def test_vectors_are_what_the_class_means_differ_by(self):
        codes = self.folder / "codes.npy"
        self.good("embed", self.model, "--data", self.data, "--out", codes)
        (count, latents), z = read_npy(codes)
        labels = (list(self.labels()))[:count]
        mean = {k: [sum(z[j * latents + i] for j in range(count) if labels[j] == k)
                    / labels.count(k) for i in range(latents)] for k in (1, 2)}
        vector = self.folder / "way.npy"
        write_npy(vector, "<f4", [latents], [b - a for a, b in zip(mean[1], mean[2])])
        by_file = read_csv(self.good("edit", self.model, "--data", self.data, "--direction",
                                     vector, "--strength", 1.5).stdout)[1]
        by_labels = read_csv(self.good("edit", self.model, "--data", self.data, "--direction",
                                       "labels:1:2", "--strength", 1.5).stdout)[1]
        self.assertEqual(len(by_file), count)
        self.near([by_file[j] for j in range(count) if labels[j] == 1], by_labels)

    def labels(self):
        with gzip.open(self.data / "t10k-labels-idx1-ubyte.gz") as file:
            return file.read()[8:]

    def test_bad_directions(self):
        def bad(code, words, *arguments):
            self.bad(code, words, "edit", self.model, "--data", self.data, *arguments)
        bad(2, "--direction is missing")
        for direction in ("labels:3", "labels::8", "labels:3:"):
            bad(2, f"'{direction}', expected labels:K:M", "--direction", direction)
        bad(2, "the class cat does not occur", "--direction", "labels:3:cat")
        bad(3, "nowhere.npy", "--direction", self.folder / "nowhere.npy")
        long = self.folder / "long.npy"
        write_npy(long, "<f4", [3], [1, 2, 3])
        bad(3, "has 3 numbers, the model has", "--direction", long)
        nan = self.folder / "nan.npy"
        write_npy(nan, "<f4", [2], [1, math.nan])
        bad(3, "expected finite ones", "--direction", nan)
        rows = self.folder / "rows.npy"
        write_npy(rows, "<f4", [2, PIXELS], [0.5] * (2 * PIXELS))
        self.bad(2, "--labels is missing", "edit", self.model, "--data", rows, "--direction",
                 "labels:1:2")
        cvae, _ = self.train("edit-cvae", "--model", "cvae")
        self.bad(2, "its condition says the class", "edit", cvae, "--data", self.data,
                 "--direction", "labels:1:2")


class Conditions(cli_test.Case):
    """A condition of numbers: columns of the table or a file, with their names and their scale."""

    ROWS = 200

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rng = random.Random(12)
        # x follows dose, y follows neither; time is far from 0 and matters to nobody.
        cls.rows = []
        for _ in range(cls.ROWS):
            dose, time_ = rng.gauss(5, 2), 1.7e9 + rng.randrange(1000)
            cls.rows.append([dose, rng.gauss(3 * dose, 0.1), time_, rng.gauss(0, 1)])
        cls.table = cls.folder / "conditions.csv"
        cls.write(cls.table, ["dose", "x", "time", "y"], cls.rows)
        cls.out = cls.folder / "conditional"
        cls.training = ["train", "--data", cls.table, "--model", "cvae", "--likelihood", "gaussian",
                     "--standardize", "--sigma", "0.3", "--hidden", "16", "--latent", "1",
                     "--condition", "dose,time"]
        cls.run_good(*cls.training, "--epochs", "60", "--batch", "20", "--lr", "1e-2",
                            "--out", cls.out)
        cls.conditional = cls.out / "model.safetensors"

    @classmethod
    def run_good(cls, *arguments):
        done = longhand(*arguments)
        assert done.returncode == 0, done.stderr
        return done

    @staticmethod
    def write(path, names, rows):
        write_csv(path, names, rows)

    def column(self, text, name):
        names, rows = read_csv(text)
        return [row[names.index(name)] for row in rows]

    def test_names_and_scale_are_the_models(self):
        config = json.loads(self.good("info", self.conditional, "--json").stdout)["config"]
        self.assertEqual(config["input"]["names"], ["x", "y"])
        self.assertEqual(config["condition_names"], ["dose", "time"])
        self.assertNotIn("class_names", config)
        for i, column in ((0, 0), (1, 2)):
            values = [row[column] for row in self.rows]
            mean = sum(values) / len(values)
            self.assertAlmostEqual(config["condition_transform"]["shift"][i] / mean, 1, places=12)
            spread = math.sqrt(sum((v - mean)**2 for v in values) / len(values))
            self.assertAlmostEqual(config["condition_transform"]["scale"][i] / spread, 1, places=6)
        self.assertIn("dose, time", self.good("info", self.conditional).stdout)

    def test_samples_follow_it(self):
        def mean_x(*condition):
            xs = self.column(self.good("sample", self.conditional, "--count", 200, *condition).stdout,
                             "x")
            self.assertEqual(len(xs), 200)
            return sum(xs) / len(xs)
        low, high = mean_x("--condition", "dose=3"), mean_x("--condition", "dose=7,time=1.7e9")
        self.assertTrue(10 < high - low < 14, (low, high))  # 3 times 4
        middle = mean_x()  # all numbers at their means
        self.assertTrue(low < middle < high)

    def test_traverse_moves_one_number(self):
        text = self.good("traverse", self.conditional, "--condition", "dose=3:7:5").stdout
        xs = self.column(text, "x")
        self.assertEqual(len(xs), 5)
        self.assertEqual(xs, sorted(xs))
        # From a row: its code, under its own condition but for that number.
        dose = self.rows[4][0]
        text = self.good("traverse", self.conditional, "--data", self.table, "--row", 4,
                         "--condition", f"dose={dose!r}:{dose + 1!r}:2").stdout
        own = self.good("reconstruct", self.conditional, "--data", self.table).stdout
        self.near(read_csv(text)[1][:1], read_csv(own)[1][4:5])
        self.assertNotEqual(text.splitlines()[1], text.splitlines()[2])
        fixed = self.good("traverse", self.conditional, "--condition", "dose=7").stdout
        self.assertNotEqual(fixed, self.good("traverse", self.conditional).stdout)

    def test_a_file_beside_the_data(self):
        data, condition = self.folder / "rows.npy", self.folder / "condition.npy"
        write_npy(data, "<f8", [self.ROWS, 2], [v for row in self.rows for v in (row[1], row[3])])
        write_npy(condition, "<f8", [self.ROWS, 2], [v for row in self.rows for v in (row[0], row[2])])
        codes = self.folder / "codes.csv"
        self.good("embed", self.conditional, "--data", self.table, "--out", codes)
        wanted = codes.read_text()
        self.good("embed", self.conditional, "--data", data, "--condition", condition, "--out", codes)
        self.assertEqual(codes.read_text(), wanted)
        table = self.folder / "condition.csv"
        self.write(table, ["time", "dose"], [[row[2], row[0]] for row in self.rows])
        self.good("embed", self.conditional, "--data", data, "--condition", table, "--out", codes)
        self.assertEqual(codes.read_text(), wanted)
        shuffled = self.folder / "shuffled.csv"
        self.write(shuffled, ["time", "y", "x", "dose"], [[r[2], r[3], r[1], r[0]] for r in self.rows])
        self.good("embed", self.conditional, "--data", shuffled, "--out", codes)
        self.assertEqual(codes.read_text(), wanted)
        out = self.folder / "from-file"
        self.good(*self.training[:-2], "--data", data, "--condition", condition, "--epochs", 1, "--out",
                  out)
        config = json.loads(self.good("info", out / "model.safetensors", "--json").stdout)["config"]
        self.assertEqual(config["condition_names"], ["c0", "c1"])
        # Parts of the rows are parts of the condition.
        part = self.good("evaluate", self.conditional, "--data", self.table, "--part", "validation",
                         "--json").stdout
        self.assertEqual(json.loads(part)["rows"], self.ROWS // 10)

    def test_resume_and_config(self):
        folder = self.folder / "resumed"
        self.good(*self.training, "--epochs", 2, "--batch", 20, "--checkpoint-every", "1epochs", "--out",
                  folder)
        self.good("train", "--resume", folder, "--epochs", 4)
        whole = self.folder / "whole"
        self.good(*self.training, "--epochs", 4, "--batch", 20, "--out", whole)
        self.assertEqual((folder / "model.safetensors").read_bytes(),
                         (whole / "model.safetensors").read_bytes())

    def test_bad_conditions(self):
        out = self.folder / "none"
        train = self.training[:-2] + ["--epochs", 1, "--out", out]
        self.bad(3, 'column "age" is not there', *train, "--condition", "age")
        self.bad(2, "--condition is for --model cvae", "train", "--data", self.table, "--condition",
                 "dose", "--out", out)
        self.bad(2, "numbers or a class", *train, "--condition", "dose", "--labels", "time")
        few = self.folder / "few-conditions.npy"
        write_npy(few, "<f4", [3, 1], [1, 2, 3])
        self.bad(3, "has 3 rows, expected 200", *train, "--condition", few)
        gaps = self.folder / "gaps.csv"
        self.write(gaps, ["dose", "x", "time", "y"], self.rows[:9] + [[math.nan] + self.rows[9][1:]])
        self.bad(3, "the condition dose of row 9 is nan", *train, "--data", gaps, "--condition",
                 "dose")
        self.assertFalse(out.exists())
        constant = self.folder / "constant.csv"
        self.write(constant, ["dose", "x", "y"], [[1.5, r[1], r[3]] for r in self.rows])
        done = self.good(*train, "--data", constant, "--condition", "dose", "--batch", 20)
        self.assertIn("the condition dose is 1.5 in all rows", done.stderr)

        sample = ["sample", self.conditional, "--condition"]
        self.bad(2, "no condition age, expected one of dose, time", *sample, "age=1")
        self.bad(2, "expected NAME=VALUE", *sample, "dose")
        self.bad(2, "is 'dose=high', expected NAME=VALUE", *sample, "dose=high")
        self.bad(2, "is 'dose=1:2', expected NAME=VALUE", *sample, "dose=1:2")
        self.bad(2, "is 'dose=nan', expected NAME=VALUE", *sample, "dose=nan")
        self.bad(2, "and not 'time=x'", *sample, "dose=1,time=x")
        done = self.good("sample", self.conditional, "--condition", "dose=900", "--count", 2)
        self.assertIn("standard deviations from its mean in the training data", done.stderr)
        self.bad(2, "dose has two values", *sample, "dose=1,dose=2")
        self.bad(2, "dose has several values", *sample, "dose=1:2:3")
        self.bad(2, "condition of this model is numbers", "sample", self.conditional, "--label", "1")
        self.bad(2, "no condition of numbers", "sample", self.model, "--condition", "a=1")
        self.bad(2, "no condition of numbers", "embed", self.model, "--data", self.data,
                 "--condition", "a")
        traverse = ["traverse", self.conditional, "--condition"]
        self.bad(2, "at most one that has", *traverse, "dose=1:2:3,time=0:1:2")
        self.bad(2, "is 'dose=1:2:1', expected NAME=VALUE", *traverse, "dose=1:2:1")
        self.bad(2, "--condition moves dose and --dim a latent", *traverse, "dose=1:2:3", "--dim", 0)
        short = self.folder / "short.csv"
        self.write(short, ["x", "y"], [[r[1], r[3]] for r in self.rows])
        self.bad(3, "dose", "embed", self.conditional, "--data", short)
        rows = self.folder / "bare.npy"
        write_npy(rows, "<f8", [2, 2], [1, 2, 3, 4])
        self.bad(2, "--condition is missing, expected a file with 2 numbers", "embed",
                 self.conditional, "--data", rows)
        self.bad(2, "is no file, and", "embed", self.conditional, "--data", rows, "--condition",
                 "dose,time")
        write_npy(rows, "<f8", [3, 2], [1, 2, 3, 4, 5, 6])
        self.bad(3, "has 1 numbers for a condition, the model has 2", "embed", self.conditional,
                 "--data", rows, "--condition", few)


class Gaps(cli_test.Case):
    """Missing numbers that are told from the others."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rng = random.Random(2)
        # b = 2 a and c = -a, with a little noise: what is missing follows from any other.
        cls.rows = [[a, 2 * a + rng.gauss(0, 0.05), -a + rng.gauss(0, 0.05)]
                    for a in (rng.gauss(0, 1) for _ in range(400))]
        cls.table, cls.gaps = cls.folder / "whole.csv", cls.folder / "gaps.csv"
        write_csv(cls.table, "abc", cls.rows)
        cls.missing = [(row, row % 3) for row in range(0, 400, 2)]
        holes = [[math.nan if (j, i) in set(cls.missing) else v for i, v in enumerate(row)]
                 for j, row in enumerate(cls.rows)]
        write_csv(cls.gaps, "abc", holes)
        out = cls.folder / "linear"
        done = longhand("train", "--data", cls.table, "--likelihood", "gaussian", "--standardize",
                        "--sigma", "0.1", "--hidden", "32", "--latent", "1", "--epochs", "80",
                        "--batch", "40", "--lr", "5e-3", "--corrupt", "mask:0.2", "--out", out)
        assert done.returncode == 0, done.stderr
        cls.linear = out / "model.safetensors"

    def error(self, text):
        _, rows = read_csv(text)
        squares = [(rows[j][i] - self.rows[j][i])**2 for j, i in self.missing]
        return math.sqrt(sum(squares) / len(squares))

    def test_what_is_missing_is_told(self):
        one = self.good("impute", self.linear, "--data", self.gaps)
        self.assertIn("filled in 200 of 1200 numbers", one.stderr)
        many, spread = self.folder / "many.csv", self.folder / "spread.csv"
        done = self.good("impute", self.linear, "--data", self.gaps, "--draws", 300, "--out", many,
                         "--spread", spread)
        self.assertIn("draws count in the median row", done.stderr)
        # The deviations of the columns are 1, 2 and 1.
        self.assertLess(self.error(one.stdout), 0.7)
        self.assertLess(self.error(many.read_text()), 0.3)
        self.assertLess(self.error(many.read_text()), self.error(one.stdout))
        names, deviations = read_csv(spread.read_text())
        self.assertEqual(names, ["a", "b", "c"])
        gone = set(self.missing)
        for j, row in enumerate(deviations):
            for i, v in enumerate(row):
                self.assertEqual(v > 0, (j, i) in gone)
        # What was there comes back as it was.
        _, rows = read_csv(many.read_text())
        for j, row in enumerate(self.rows):
            for i, v in enumerate(row):
                if (j, i) not in gone:
                    self.assertAlmostEqual(rows[j][i], v, delta=1e-5 * (1 + abs(v)))
        often = self.good("impute", self.linear, "--data", self.gaps, "--passes", 20)
        self.assertNotEqual(often.stdout, one.stdout)
        self.assertLess(self.error(often.stdout), 0.3)
        again = self.good("impute", self.linear, "--data", self.gaps, "--draws", 300, "--count", 5)
        self.assertEqual(again.stdout.splitlines(), many.read_text().splitlines()[:6])

    def test_hidden_numbers_say_how_near_it_comes(self):
        hide = self.folder / "hide.csv"
        write_csv(hide, "abc", [[0, 1, 0]])
        done = self.good("impute", self.linear, "--data", self.table, "--hide", hide, "--draws", 50,
                         "--json")
        result = json.loads(done.stdout)
        self.assertEqual(result["missing"], 400)
        self.assertLess(result["rmse"], 0.4)
        self.assertLess(result["relative_squared_error"], 0.1)  # of the column's mean: 1
        self.assertGreater(result["effective_draws"], 1)

    def test_a_hole_in_pictures(self):
        hide, png = self.folder / "hole.npy", self.folder / "holes.png"
        write_npy(hide, "|u1", [SIDE, SIDE], [1 if i % SIDE < 4 else 0 for i in range(PIXELS)])
        self.good("impute", self.model, "--data", self.data, "--hide", hide, "--count", 8, "--out", png)
        self.assertEqual(png_size(png), sheet(8, 3))  # whole, with a hole, filled in

    def test_bad_gaps(self):
        self.bad(3, "has no missing numbers", "impute", self.linear, "--data", self.table)
        self.bad(2, "--spread needs --draws", "impute", self.linear, "--data", self.gaps, "--spread",
                 self.folder / "s.csv")
        hide = self.folder / "zeros.csv"
        write_csv(hide, "abc", [[0, 0, 0]])
        self.bad(3, "nothing is hidden", "impute", self.linear, "--data", self.table, "--hide", hide)
        write_csv(hide, "abc", [[0, 2, 0]])
        self.bad(3, "has the number 2, expected 0 and 1", "impute", self.linear, "--data", self.table,
                 "--hide", hide)
        write_csv(hide, "ab", [[0, 1]])
        self.bad(3, "has 2 numbers, expected 1200", "impute", self.linear, "--data", self.table,
                 "--hide", hide)
        auto, _ = self.train("auto", "--model", "ae")
        self.bad(2, "no density", "impute", auto, "--data", self.data, "--hide", hide, "--draws", 3)


class Codes(cli_test.Case):
    """Groups of codes, and what codes know of labels."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rng = random.Random(4)
        cls.kinds = [j % 3 for j in range(300)]
        centres = [(0, 0, 0, 0), (9, 0, 9, 0), (0, 9, 0, -9)]
        cls.table = cls.folder / "groups.csv"
        write_csv(cls.table, ["p", "q", "r", "s", "kind"],
                  [[*(m + rng.gauss(0, 1) for m in centres[k]), ("oak", "elm", "ash")[k]]
                   for k in cls.kinds])
        out = cls.folder / "trees"
        done = longhand("train", "--data", cls.table, "--drop", "kind", "--likelihood", "gaussian",
                        "--standardize", "--sigma", "0.3", "--hidden", "16", "--latent", "2",
                        "--epochs", "40", "--batch", "30", "--lr", "5e-3", "--out", out)
        assert done.returncode == 0, done.stderr
        cls.trees = out / "model.safetensors"

    def test_clusters_are_the_kinds(self):
        for method in ("k-means", "mixture"):
            out = self.folder / f"{method}.csv"
            done = self.good("cluster", self.trees, "--data", self.table, "--labels", "kind", "--k",
                             3, "--method", method, "--out", out, "--json")
            result = json.loads(done.stdout)
            self.assertEqual(result["ari"], 1)
            self.assertEqual(result["majority_accuracy"], 1)
            self.assertEqual(sorted(result["sizes"]), [100, 100, 100])
            names, rows = read_csv(out.read_text())
            self.assertEqual(names[0], "cluster")
            self.assertEqual(len(names), 2 if method == "mixture" else 1)
            self.assertEqual(len({(int(row[0]), kind) for row, kind in zip(rows, self.kinds)}), 3)
        alone = self.good("cluster", self.trees, "--data", self.table, "--k", 3)
        self.assertNotIn("NMI", alone.stderr)
        digits = self.good("cluster", self.model, "--data", self.data, "--k", 4, "--json").stdout
        self.assertIn("nmi", json.loads(digits))  # an IDX folder has its labels

    def test_a_probe_reads_the_kinds(self):
        done = self.good("probe", self.trees, "--data", self.table, "--labels", "kind", "--json")
        result = json.loads(done.stdout)
        self.assertEqual((result["fitted_rows"], result["rows"]), (240, 60))
        self.assertGreater(result["accuracy"], 0.97)
        self.assertLess(result["majority_accuracy"], 0.5)
        self.assertEqual(done.stdout, self.good("probe", self.trees, "--data", self.table, "--labels",
                                                "kind", "--json", "--threads", 2).stdout)
        folder = json.loads(self.good("probe", self.model, "--data", self.data, "--json").stdout)
        self.assertEqual((folder["fitted_rows"], folder["rows"]), (cli_test.TRAIN_ROWS, TEST_ROWS))
        out = self.folder / "told.csv"
        text = self.good("probe", self.trees, "--data", self.table, "--labels", "kind", "--test", 0.5,
                         "--out", out)
        self.assertIn("accuracy", text.stderr)
        lines = out.read_text().splitlines()
        self.assertEqual((lines[0], len(lines)), ("label,told", 151))
        self.assertEqual(set(lines[1:]) & {"oak,oak", "elm,elm", "ash,ash"},
                         {"oak,oak", "elm,elm", "ash,ash"})

    def test_bad_codes(self):
        self.bad(2, "--k is 301, expected at most 300", "cluster", self.trees, "--data", self.table,
                 "--labels", "kind", "--k", 301)
        self.bad(2, "--k", "cluster", self.trees, "--data", self.table, "--k", 0)
        self.bad(2, "--labels is missing", "probe", self.trees, "--data", self.table)
        self.bad(2, "has a part for tests", "probe", self.model, "--data", self.data, "--test", 0.1)
        one = self.folder / "one.csv"
        write_csv(one, ["p", "q", "r", "s", "kind"], [[1, 2, 3, 4 + k, "oak"] for k in range(9)])
        self.bad(3, "every row has the label oak", "probe", self.trees, "--data", one, "--labels",
                 "kind")
        discrete, _ = self.train("discrete", "--latent-kind", "categorical", "--classes", "3")
        self.bad(2, "nothing to cluster", "cluster", discrete, "--data", self.data)
        cvae, _ = self.train("cvae", "--model", "cvae")
        self.bad(2, "its condition says the class", "probe", cvae, "--data", self.data)


class Plots(cli_test.Case):
    """Charts as PNG and SVG."""

    def setUp(self):
        done = longhand("plot", self.model, "--what", "curves", "--out", self.folder / "try.svg")
        if "without Cairo" in done.stderr:
            self.skipTest("the program was built without Cairo")

    def test_every_chart(self):
        for what in ("latent", "manifold", "curves", "correlation"):
            data = [] if what in ("curves", "manifold") else ["--data", self.data]
            png, svg = self.folder / f"{what}.png", self.folder / f"{what}.svg"
            self.good("plot", self.model, *data, "--what", what, "--out", png)
            self.good("plot", self.model, *data, "--what", what, "--out", svg)
            width, height = png_size(png)
            self.assertEqual(width, 1120)
            self.assertGreater(png.stat().st_size, 4000)
            text = svg.read_text()
            self.assertTrue(text.startswith("<?xml"), text[:80])
            self.assertTrue(text.rstrip().endswith("</svg>"))
            # The same input gives the same picture.
            before = png.read_bytes()
            self.good("plot", self.model, *data, "--what", what, "--out", png)
            self.assertEqual(png.read_bytes(), before)

    def test_bad_plots(self):
        out = ["--out", self.folder / "never.png"]
        self.bad(2, "--out is missing", "plot", self.model, "--what", "curves")
        self.bad(2, "expected one of png svg", "plot", self.model, "--out", self.folder / "x.csv")
        self.bad(2, "--data is missing", "plot", self.model, "--what", "latent", *out)
        self.bad(2, "expected one of", "plot", self.model, "--what", "pie", *out)
        self.bad(2, "no --data", "plot", self.model, "--what", "curves", "--data", self.data, *out)
        lonely = self.folder / "lonely"
        lonely.mkdir(exist_ok=True)
        shutil.copy(self.model, lonely)
        self.bad(3, "metrics.jsonl", "plot", lonely / "model.safetensors", "--what", "curves", *out)
        wide, _ = self.train("wide", "--latent", "3")
        self.bad(2, "3 latents, --what manifold needs 2", "plot", wide, "--what", "manifold", *out)
        table = self.folder / "table.csv"
        write_csv(table, [f"x{i}" for i in range(PIXELS)], [[0.5] * PIXELS] * 3)
        self.bad(2, "legible up to 40", "plot", self.model, "--what", "correlation", "--data", table,
                 *out)


class Signals(cli_test.Case):
    """A series in time, cut into windows and put together again."""

    STEPS = 600

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rng = random.Random(6)
        def series(faults):
            rows = []
            for t in range(cls.STEPS):
                a = math.sin(t / 5) + rng.gauss(0, 0.05)
                b = math.cos(t / 5) + rng.gauss(0, 0.05)
                if t in faults:
                    b += 2
                rows.append([f"2024-01-01 {t // 60:02}:{t % 60:02}", a, b])
            return rows
        cls.faults = {200, 201, 202, 450, 451}
        cls.clean, cls.new = cls.folder / "clean.csv", cls.folder / "new.csv"
        write_csv(cls.clean, ["time", "left", "right"], series(set()))
        write_csv(cls.new, ["time", "left", "right"], series(cls.faults))
        cls.out = cls.folder / "signal"
        done = longhand("train", "--data", cls.clean, "--time", "time", "--window", "16", "--stride",
                        "2", "--likelihood", "gaussian", "--standardize", "--sigma", "0.2",
                        "--hidden", "32", "--latent", "2", "--epochs", "40", "--batch", "32", "--lr",
                        "3e-3", "--out", cls.out)
        assert done.returncode == 0, done.stderr
        cls.trained = done
        cls.signal = cls.out / "model.safetensors"

    def test_the_model_knows_its_windows(self):
        self.assertIn("windows overlap", self.trained.stderr)
        config = json.loads(self.good("info", self.signal, "--json").stdout)["config"]
        self.assertEqual(config["input"]["window"], 16)
        self.assertEqual(config["input"]["names"][:3], ["left@0", "right@0", "left@1"])
        codes = self.good("embed", self.signal, "--data", self.clean, "--time", "time").stdout
        self.assertEqual(len(codes.splitlines()) - 1, self.STEPS - 15)
        codes = self.good("embed", self.signal, "--data", self.clean, "--time", "time", "--stride",
                          16).stdout
        self.assertEqual(len(codes.splitlines()) - 1, 37)

    def test_planted_faults_are_found(self):
        out = self.folder / "odd.csv"
        done = self.good("anomaly", self.signal, "--data", self.new, "--time", "time", "--fit",
                         self.clean, "--threshold", "q0.99", "--out", out)
        self.assertIn("time steps are above", done.stderr)
        lines = [line.split(",") for line in out.read_text().splitlines()]
        self.assertEqual(lines[0], ["step", "time", "score", "p", "odd", "column", "actual",
                                    "expected", "deviation"])
        self.assertEqual(len(lines) - 1, self.STEPS)
        rows = lines[1:]
        self.assertEqual(rows[200][1], "2024-01-01 03:20")
        worst = sorted(range(self.STEPS), key=lambda t: -float(rows[t][2]))[:len(self.faults)]
        self.assertEqual(set(worst), self.faults)
        for t in self.faults:
            self.assertEqual((rows[t][4], rows[t][5]), ("1", "right"))
            self.assertGreater(float(rows[t][6]) - float(rows[t][7]), 1)
        result = json.loads(self.good("anomaly", self.signal, "--data", self.new, "--time", "time",
                                      "--stride", 16, "--json").stdout)
        self.assertIsNone(result["steps"][-1]["score"])  # in no window
        self.assertEqual(len(result["steps"]), self.STEPS)

    def test_output_goes_back_to_time(self):
        text = self.good("reconstruct", self.signal, "--data", self.clean, "--time", "time").stdout
        lines = text.splitlines()
        self.assertEqual(lines[0], "time,left,right")
        self.assertEqual(len(lines) - 1, self.STEPS)
        given = self.clean.read_text().splitlines()
        squares = 0
        for got, wanted in zip(lines[1:], given[1:]):
            a, b = got.split(","), wanted.split(",")
            self.assertEqual(a[0], b[0])
            squares += (float(a[1]) - float(b[1]))**2 + (float(a[2]) - float(b[2]))**2
        self.assertLess(math.sqrt(squares / (2 * self.STEPS)), 0.3)
        plain = self.folder / "plain.csv"  # a series without time stamps
        write_csv(plain, ["right", "left"],
                  [[float(c[2]), float(c[1])] for c in (line.split(",") for line in given[1:])])
        again = self.good("reconstruct", self.signal, "--data", plain).stdout.splitlines()
        self.assertEqual(again[0], "left,right")
        self.assertEqual(again[300], lines[300].split(",", 1)[1])

    def test_bad_series(self):
        out = ["--out", self.folder / "none"]
        train = ["train", "--data", self.clean, "--time", "time", "--likelihood", "gaussian", *out]
        self.bad(3, "has 600 rows, fewer than the 601 of a window", *train, "--window", 601)
        self.bad(2, "--window is missing", *train)
        self.bad(2, "no --labels", *train, "--window", 4, "--labels", "left")
        self.bad(2, "'noon' is no column", "train", "--data", self.clean, "--time", "noon", "--window",
                 4, *out)
        self.bad(2, "but the model has windows of 16", "embed", self.signal, "--data", self.clean,
                 "--time", "time", "--window", 8)
        self.bad(2, "--fit FILE is missing", "anomaly", self.signal, "--data", self.new, "--time",
                 "time", "--threshold", "q0.9")
        rows = [[f"2024-01-01T00:{m:02}", 0.1, 0.2] for m in (0, 1, 2, 5, *range(6, 40))]
        gap = self.folder / "gap.csv"
        write_csv(gap, ["time", "left", "right"], rows)
        done = self.good("embed", self.signal, "--data", gap, "--time", "time")
        self.assertIn("time steps are unequal, 180 s before row 3 (2024-01-01T00:05) and 60 s",
                      done.stderr)
        write_csv(gap, ["time", "left", "right"], rows[:20] + rows[:20])
        self.bad(3, "expected rows in the order of time", "embed", self.signal, "--data", gap,
                 "--time", "time")
        write_csv(gap, ["time", "left", "right"], [[f"day {k}", 0.1, 0.2] for k in range(30)])
        done = self.good("embed", self.signal, "--data", gap, "--time", "time")
        self.assertIn("neither a number nor a date", done.stderr)


def records(path):
    """The messages of an event file, whose frames must be right."""
    def masked_crc(data):
        crc = 0xffffffff
        for byte in data:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
        crc ^= 0xffffffff
        return ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        length, crc = struct.unpack_from("<QI", data, at)
        assert masked_crc(data[at:at + 8]) == crc, (path, at)
        body = data[at + 12:at + 12 + length]
        if len(body) < 4096:  # the loop above is slow
            assert masked_crc(body) == struct.unpack_from("<I", data, at + 12 + length)[0], (path, at)
        found.append(body)
        at += 16 + length
    assert at == len(data)
    return found


class Board(cli_test.Case):
    """What TensorBoard reads."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.board, cls.out = cls.folder / "board", cls.folder / "watched"
        done = longhand("train", "--data", cls.data, "--model", "cvae", *cli_test.SMALL, "--threads",
                        "2", "--tensorboard", cls.board, "--out", cls.out)
        assert done.returncode == 0, done.stderr

    def messages(self, split):
        [path] = (self.board / split).glob("events.out.tfevents.*")
        return records(path)

    def test_frames_and_numbers(self):
        lines = [json.loads(line)
                 for line in (self.out / "metrics.jsonl").read_text().splitlines()]
        for split in ("train", "validation"):
            messages = self.messages(split)
            self.assertIn(b"brain.Event:2", messages[0])
            losses = [m for m in messages if b"\n\x04loss\x15" in m]
            wanted = [line["loss"] for line in lines if line["split"] == split]
            self.assertEqual(len(losses), len(wanted))
            for message, loss in zip(losses, wanted):
                at = message.index(b"\n\x04loss\x15") + 7
                self.assertAlmostEqual(struct.unpack_from("<f", message, at)[0] / loss, 1, places=6)
        self.assertEqual(sum(b"reconstructions" in m for m in self.messages("train")), 2)
        self.assertEqual(sum(b"samples" in m for m in self.messages("train")), 2)
        self.assertTrue(any(b"weights/encoder.0.weight" in m for m in self.messages("train")))

    def test_a_training_that_is_watched_is_the_same(self):
        plain = self.folder / "plain-run"
        self.good("train", "--data", self.data, "--model", "cvae", *cli_test.SMALL, "--out", plain)
        self.assertEqual((plain / "model.safetensors").read_bytes(),
                         (self.out / "model.safetensors").read_bytes())

    @unittest.skipUnless(shutil.which("protoc"), "protoc is not installed")
    def test_protoc_reads_every_message(self):
        for split in ("train", "validation"):
            for message in self.messages(split):
                done = subprocess.run(["protoc", f"--proto_path={PROTO.parent}",
                                       "--decode=longhand.Event", PROTO.name],
                                      input=message, capture_output=True, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                # A field that the description does not have is shown by its number alone.
                for line in done.stdout.decode(errors="replace").splitlines():
                    self.assertFalse(line.strip()[:1].isdigit(), line)
        text = subprocess.run(["protoc", f"--proto_path={PROTO.parent}", "--decode=longhand.Event",
                               PROTO.name], input=next(m for m in self.messages("train")
                                                       if b"weights/encoder.0.weight" in m),
                              capture_output=True, check=True).stdout.decode()
        numbers = {}
        for line in text.splitlines():
            name, _, value = line.strip().partition(": ")
            if value and not value.startswith('"'):
                numbers.setdefault(name, []).append(float(value))
        self.assertEqual(numbers["num"], [(PIXELS + 10) * 16.])
        self.assertEqual(sum(numbers["bucket"]), numbers["num"][0])
        self.assertEqual(len(numbers["bucket"]), len(numbers["bucket_limit"]))
        self.assertLess(numbers["bucket_limit"][0], numbers["min"][0])
        self.assertGreater(numbers["bucket_limit"][-1], numbers["max"][0])

    def test_the_projector(self):
        folder = self.board / "train"
        codes = (folder / "codes.tsv").read_text().splitlines()
        self.assertEqual(len(codes), cli_test.TRAIN_ROWS)
        self.assertEqual(len(codes[0].split("\t")), 2)
        labels = (folder / "labels.tsv").read_text().splitlines()
        self.assertEqual(labels, [str(i % 10) for i in range(cli_test.TRAIN_ROWS)])
        config = (folder / "projector_config.pbtxt").read_text()
        self.assertIn('metadata_path: "labels.tsv"', config)
        side = SIDE * math.ceil(math.sqrt(cli_test.TRAIN_ROWS))
        self.assertEqual(png_size(folder / "sprite.png"), (side, side))

    def test_bad_folders(self):
        taken = self.folder / "taken"
        if not taken.exists():
            taken.write_text("a file")
        self.bad(1, "taken", "train", "--data", self.data, *cli_test.SMALL, "--tensorboard", taken,
                 "--out", self.folder / "unborn")


if __name__ == "__main__":
    cli_test.PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
