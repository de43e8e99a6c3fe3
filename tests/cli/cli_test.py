#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program longhand from outside: every command, every format, every exit code, on small data.

Usage: cli_test.py PROGRAM [unittest arguments]
"""

import ast
import csv
import gzip
import json
import math
import os
import pathlib
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile
import zlib
from unittest import mock

PROGRAM = ""
ROOT = pathlib.Path(__file__).resolve().parents[2]
SIDE, TRAIN_ROWS, TEST_ROWS = 8, 200, 50
PIXELS = SIDE * SIDE
SMALL = ["--hidden", "16", "--latent", "2", "--epochs", "2", "--batch", "32"]


# ---- files -------------------------------------------------------------------------------------

def write_idx(path, shape, values):
    data = struct.pack(">BBBB", 0, 0, 8, len(shape)) + struct.pack(f">{len(shape)}I", *shape)
    data += bytes(values)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def write_npy(path, code, shape, values):
    header = f"{{'descr': '{code}', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    letter = {"<f4": "f", "<f8": "d", "|u1": "B", "<i8": "q"}[code]
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
                     + struct.pack(f"<{len(values)}{letter}", *values))


def read_npy(path):
    data = path.read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00", data[:8]
    (length,) = struct.unpack("<H", data[8:10])
    header = ast.literal_eval(data[10:10 + length].decode())
    assert header["descr"] == "<f4" and not header["fortran_order"], header
    body = data[10 + length:]
    return header["shape"], struct.unpack(f"<{len(body) // 4}f", body)


def read_csv(text):
    lines = text.splitlines()
    return lines[0].split(","), [[float(cell) for cell in line.split(",")] for line in lines[1:]]


def png_size(path):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", data[:8]
    assert data[-8:-4] == b"IEND", data[-12:]
    return struct.unpack(">II", data[16:24])


def read_png(path):
    """The rows of an 8-bit grey picture."""
    data, body, at = path.read_bytes(), b"", 8
    width, height = png_size(path)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at:at + 4])
        if data[at + 4:at + 8] == b"IDAT":
            body += data[at + 8:at + 8 + length]
        at += length + 12
    body, rows = zlib.decompress(body), [[0] * width]
    for y in range(height):
        kind, line = body[y * (width + 1)], body[y * (width + 1) + 1:(y + 1) * (width + 1)]
        row = []
        for x, value in enumerate(line):
            a, b = row[x - 1] if x else 0, rows[-1][x]
            c = rows[-1][x - 1] if x else 0
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            row.append((value + (0, a, b, (a + b) // 2, paeth)[kind]) % 256)
        rows.append(row)
    return rows[1:]


def cell(png, column, row):
    """One picture of a sheet, as a list of pixels."""
    x, y = (place * (SIDE + 1) + 1 for place in (column, row))
    return [pixel for line in png[y:y + SIDE] for pixel in line[x:x + SIDE]]


def sheet(columns, rows):
    return (columns * (SIDE + 1) + 1, rows * (SIDE + 1) + 1)


def picture(label, rng):
    """A bar whose place says the label, on a grey ground with noise."""
    pixels = [rng.randrange(40) for _ in range(PIXELS)]
    for i in range(SIDE):
        pixels[i * SIDE + label % SIDE] = 200 + rng.randrange(56)
        if label >= SIDE:
            pixels[(label - 6) * SIDE + i] = 255
    return pixels


def write_mnist(folder, gz=".gz"):
    folder.mkdir()
    rng = random.Random(1)
    for part, rows in (("train", TRAIN_ROWS), ("t10k", TEST_ROWS)):
        labels = [i % 10 for i in range(rows)]
        pixels = [p for label in labels for p in picture(label, rng)]
        write_idx(folder / f"{part}-images-idx3-ubyte{gz}", [rows, SIDE, SIDE], pixels)
        write_idx(folder / f"{part}-labels-idx1-ubyte{gz}", [rows], labels)


# ---- the program -------------------------------------------------------------------------------

def longhand(*arguments, cwd=None):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                          cwd=cwd, timeout=120, check=False)


FAILING_MALLOC = """
#include <stdatomic.h>
#include <stdlib.h>
extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
static atomic_long calls;
static int fails(void) {
  const char* from = getenv("FAIL_FROM");
  return atomic_fetch_add(&calls, 1) >= atol(from);
}
void* malloc(size_t size) { return fails() ? 0 : __libc_malloc(size); }
void* calloc(size_t count, size_t size) { return fails() ? 0 : __libc_calloc(count, size); }
void* realloc(void* old, size_t size) { return fails() ? 0 : __libc_realloc(old, size); }
"""


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="longhand-cli-"))
        cls.data = cls.folder / "mnist"
        write_mnist(cls.data)
        cls.run_folder = cls.folder / "run"
        done = longhand("train", "--data", cls.data, "--out", cls.run_folder, *SMALL)
        assert done.returncode == 0, done.stderr
        cls.trained = done
        cls.model = cls.run_folder / "model.safetensors"

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def good(self, *arguments, **options):
        done = longhand(*arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def bad(self, code, words, *arguments):
        """Fails with this code and one sentence that has these words, and writes nothing."""
        before = sorted(self.folder.rglob("*"))
        done = longhand(*arguments)
        self.assertEqual(done.returncode, code, (arguments, done.stderr))
        self.assertEqual(done.stdout, "")
        self.assertTrue(done.stderr.startswith("longhand: "), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for word in [words] if isinstance(words, (str, pathlib.Path)) else words:
            self.assertIn(str(word), done.stderr)
        self.assertEqual(sorted(self.folder.rglob("*")), before, arguments)
        return done

    def near(self, got, wanted):
        """Products may differ in the last bit between batches of different sizes."""
        self.assertEqual(len(got), len(wanted))
        for a, b in zip(got, wanted):
            self.assertEqual(len(a), len(b))
            self.assertLessEqual(max(abs(x - y) for x, y in zip(a, b)), 1e-5)

    def train(self, name, *arguments):
        out = self.folder / name
        done = self.good("train", "--data", self.data, "--out", out, *SMALL, *arguments)
        return out / "model.safetensors", done


class Train(Case):
    def test_writes_its_files_and_talks_on_stderr(self):
        names = sorted(path.name for path in self.run_folder.iterdir())
        self.assertEqual(names, ["config.toml", "env.json", "metrics.jsonl", "model.safetensors", "rows.json"])
        self.assertEqual(self.trained.stdout, "")
        lines = self.trained.stderr.splitlines()
        self.assertEqual(len([line for line in lines if line.startswith("epoch ")]), 2)
        self.assertNotIn("\r", self.trained.stderr)
        self.assertNotIn("\x1b", self.trained.stderr)

        env = json.loads((self.run_folder / "env.json").read_text())
        for key in ("longhand", "compiler", "instruction_sets", "eigen", "threads", "seed"):
            self.assertIn(key, env)

    def test_metrics(self):
        lines = [json.loads(line) for line in
                 (self.run_folder / "metrics.jsonl").read_text().splitlines()]
        self.assertEqual([(m["epoch"], m["split"]) for m in lines],
                         [(1, "train"), (1, "validation"), (2, "train"), (2, "validation")])
        keys = ["epoch", "step", "split", "loss", "elbo", "log_likelihood_term", "kl",
                "kl_weight", "grad_norm", "lr", "rows", "seconds"]
        for m in lines:
            self.assertEqual(list(m), keys)
            self.assertAlmostEqual(m["elbo"], m["log_likelihood_term"] - m["kl"], places=9)
        self.assertEqual([m["rows"] for m in lines], [180, 20, 180, 20])
        self.assertEqual([m["step"] for m in lines], [6, 6, 12, 12])
        self.assertGreater(lines[0]["grad_norm"], 0)
        self.assertIsNone(lines[1]["grad_norm"])

    def test_gradient_norms(self):
        model, _ = self.train("norms", "--grad-norms")
        lines = [json.loads(line) for line in
                 (model.parent / "metrics.jsonl").read_text().splitlines()]
        names = {t["name"] for t in json.loads(
            self.good("info", model, "--json").stdout)["tensors"]}
        for m in lines:
            self.assertEqual("grad_norms" in m, m["split"] == "train")
        norms = lines[0]["grad_norms"]
        self.assertEqual(set(norms), names)
        # No part is longer than the whole, and the whole no longer than all parts in a row.
        self.assertTrue(0 < max(norms.values()) <= lines[0]["grad_norm"] * (1 + 1e-6))
        self.assertLessEqual(lines[0]["grad_norm"], sum(norms.values()) * (1 + 1e-6))
        self.assertEqual(model.read_bytes(), self.model.read_bytes())

    def test_rows(self):
        rng = random.Random(6)
        values = [rng.random() for _ in range(30 * 4)]
        labels = [row % 3 for row in range(30)]
        for name, first, end in (("whole", 0, 30), ("part", 5, 25)):
            write_npy(self.folder / f"{name}.npy", "<f4", [end - first, 4],
                      values[4 * first:4 * end])
            write_npy(self.folder / f"{name}-labels.npy", "<i8", [end - first], labels[first:end])
        models = []
        for name, more in (("whole", ["--rows", "5:25"]), ("part", [])):
            out = self.folder / f"rows-{name}"
            done = self.good("train", "--data", self.folder / f"{name}.npy", "--labels",
                             self.folder / f"{name}-labels.npy", "--model", "cvae", "--out", out,
                             "--epochs", 2, "--hidden", 4, "--latent", 2, *more)
            self.assertIn("on 20 rows", done.stderr)
            models.append((out / "model.safetensors").read_bytes())
        self.assertEqual(models[0], models[1])
        again = self.folder / "rows-again"
        self.good("train", "--config", self.folder / "rows-whole" / "config.toml", "--out", again)
        self.assertEqual((again / "model.safetensors").read_bytes(), models[0])
        for rows in ("5", "5:5", "9:3", "a:b", "-1:3", "1:2:3", "5:", ":5"):
            self.bad(2, [f"--rows is '{rows}'", "expected A:B"], "train", "--data", self.data,
                     "--out", self.folder / "no", "--rows=" + rows)
        self.bad(2, ["--rows is '0:201'", "at most 0:200"], "train", "--data", self.data, "--out",
                 self.folder / "no", "--rows", "0:201")

    def test_json_repeats_the_metrics(self):
        model, done = self.train("json", "--json", "--quiet")
        self.assertEqual(done.stdout, (model.parent / "metrics.jsonl").read_text())
        self.assertEqual(done.stderr, "")

    def test_config_round_trip_gives_the_same_bytes(self):
        again = self.folder / "again"
        self.good("train", "--config", self.run_folder / "config.toml", "--out", again)
        self.assertEqual((again / "model.safetensors").read_bytes(), self.model.read_bytes())
        drop_out = [[line for line in (folder / "config.toml").read_text().splitlines()
                     if not line.startswith("out")] for folder in (again, self.run_folder)]
        self.assertEqual(drop_out[0], drop_out[1])

    def test_every_option_survives_the_round_trip(self):
        first, _ = self.train(
            "odd # name = \"x", "--model", "cvae", "--prior", "conditional", "--prior-hidden",
            "8,4", "--decoder-hidden", "12", "--likelihood", "gaussian", "--sigma", "0.3",
            "--output", "sigmoid", "--activation", "leaky-relu", "--logvar-bound", "none",
            "--dropout", "0.1", "--init", "he", "--beta", "0.5", "--kl-warmup", "3", "--l1",
            "1e-6", "--l2", "1e-5", "--optimizer", "adamw", "--weight-decay", "0.02",
            "--lr-schedule", "step", "--lr-step", "4", "--lr-gamma", "0.7", "--clip-norm", "5",
            "--seed", "18446744073709551615", "--scalar", "double", "--early-stop", "5")
        out = self.folder / "odd2"
        self.good("train", "--config", first.parent / "config.toml", "--out", out)
        self.assertEqual((out / "model.safetensors").read_bytes(), first.read_bytes())

    def test_same_seed_same_bytes_whatever_the_threads(self):
        for threads in (1, 2, 3):
            model, _ = self.train(f"threads{threads}", "--threads", threads)
            self.assertEqual(model.read_bytes(), self.model.read_bytes())
        other, _ = self.train("seed1", "--seed", 1)
        self.assertNotEqual(other.read_bytes(), self.model.read_bytes())

    def test_the_command_line_stands_above_the_file(self):
        config = self.folder / "config.toml"
        config.write_text("[train]\nhidden = [12, 8]  # two layers\nepochs = 1\nlatent = 3\n"
                          "standardize = false\nbatch = 32\n")
        out = self.folder / "above"
        self.good("train", "--data", self.data, "--config", config, "--out", out, "--latent", 4)
        info = json.loads(self.good("info", out / "model.safetensors", "--json").stdout)
        shapes = {t["name"]: t["shape"] for t in info["tensors"]}
        self.assertEqual(shapes["encoder.2.weight"], [8, 12])
        self.assertEqual(shapes["mu.weight"], [4, 8])

    def test_recipes(self):
        recipes = sorted((ROOT / "examples" / "recipes").glob("*.toml"))
        self.assertEqual([r.stem for r in recipes], ["adversarial", "classic", "deep", "dense-2d",
                                                     "discrete", "leaky-2d"])
        for recipe in recipes:
            self.good("train", "--config", recipe, "--data", self.data, "--epochs", 1, "--out",
                      self.folder / recipe.stem)

    def test_a_warm_up_that_does_not_end_is_said(self):
        _, done = self.train("warm", "--kl-warmup", 1000)
        self.assertIn("warning: training ended after 12 of the 1000 steps", done.stderr)
        self.assertIn("weight 1, but only 0.012\n", done.stderr)
        _, done = self.train("warm2", "--kl-warmup", 12)
        self.assertNotIn("warning", done.stderr)

    def test_small_data_shrinks_the_usual_batch(self):
        path = self.folder / "few.csv"
        path.write_text("a,b\n" + "0.1,0.2\n0.3,0.4\n0.5,0.1\n" * 10)
        out = self.folder / "few"
        self.good("train", "--data", path, "--out", out, "--epochs", 1, "--hidden", 4)
        self.assertIn("batch = 27\n", (out / "config.toml").read_text())

    def test_interrupt_saves_and_exits_130(self):
        out = self.folder / "interrupted"
        with subprocess.Popen([PROGRAM, "train", "--data", self.data, "--out", out, *SMALL,
                               "--epochs", "1000000", "--json"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as run:
            deadline = time.monotonic() + 60
            metrics = out / "metrics.jsonl"
            while not (metrics.exists() and metrics.read_text().count("\n") > 3):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)
            run.send_signal(signal.SIGINT)
            _, talk = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 130, talk)
        self.assertIn("interrupted after step", talk)
        self.good("evaluate", out / "model.safetensors", "--data", self.data)
        for line in metrics.read_text().splitlines():
            json.loads(line)
        self.assertTrue((out / "config.toml").exists())

    def train_for_ever(self, out, *arguments, **streams):
        """A training that does not end by itself, once it has written some metrics."""
        hidden = (out / "model.safetensors").exists()
        metrics = (out / ".run" if hidden else out) / "metrics.jsonl"
        run = subprocess.Popen([PROGRAM, "train", "--data", self.data, "--out", out, *SMALL,
                                "--epochs", "1000000", *arguments], **streams)
        deadline = time.monotonic() + 60
        while not (metrics.exists() and metrics.read_text().count("\n") > 3):
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(run.poll())
            time.sleep(0.01)
        return run

    def test_signals_of_batch_systems_save_the_best_weights(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            out = self.folder / f"ended-{number}"
            with self.train_for_ever(out, "--validation", "0.25", stderr=subprocess.PIPE,
                                     text=True) as run:
                run.send_signal(number)
                _, talk = run.communicate(timeout=60)
            self.assertEqual(run.returncode, 130, talk)
            self.assertRegex(talk, r"interrupted after step \d+; weights of epoch \d+, the best")
            self.good("evaluate", out / "model.safetensors", "--data", self.data)
            names = sorted(path.name for path in out.iterdir())
            self.assertRegex(names.pop(0), r"checkpoint-\d+\.safetensors")  # to go on from
            self.assertEqual(names,
                             ["config.toml", "env.json", "metrics.jsonl", "model.safetensors", "rows.json"])

    def test_a_killed_run_leaves_an_earlier_one_whole(self):
        out = self.folder / "killed"
        shutil.copytree(self.run_folder, out)
        before = {path.name: path.read_bytes() for path in out.iterdir()}
        with self.train_for_ever(out, "--quiet") as run:
            run.kill()
        after = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
        after.pop(".lock")
        self.assertEqual(after, before)
        # The next run does not mind, and cleans up.
        self.good("train", "--data", self.data, "--out", out, *SMALL, "--seed", 9)
        self.assertEqual(sorted(path.name for path in out.iterdir()), sorted(before))
        self.assertIn("seed = 9\n", (out / "config.toml").read_text())

    def test_two_trainings_in_one_folder(self):
        out = self.folder / "shared"
        with self.train_for_ever(out, "--quiet") as run:
            self.bad(1, [f"another training writes there, process {run.pid}"], "train", "--data",
                     self.data, "--out", out, *SMALL)
            run.send_signal(signal.SIGINT)
            run.communicate(timeout=60)
        self.assertEqual(run.returncode, 130)
        for line in (out / "metrics.jsonl").read_text().splitlines():
            json.loads(line)
        self.good("train", "--data", self.data, "--out", out, *SMALL)

    def test_a_reader_who_goes_away_does_not_end_the_training(self):
        out = self.folder / "unread"
        with subprocess.Popen([PROGRAM, "train", "--data", self.data, "--out", out, *SMALL,
                               "--epochs", "30", "--json"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as run:
            run.stdout.readline()
            run.stdout.close()
            talk = run.stderr.read()
        self.assertEqual(run.returncode, 1, talk)
        self.assertIn("stdout: cannot be written; the training went on", talk)
        self.good("info", out / "model.safetensors")
        epochs = [json.loads(line)["epoch"]
                  for line in (out / "metrics.jsonl").read_text().splitlines()]
        self.assertEqual(max(epochs), 30)

    def test_divergence(self):
        out = self.folder / "diverged"
        arguments = ["train", "--data", self.data, "--out", out, *SMALL, "--optimizer", "sgd",
                     "--lr", "1e30"]
        done = longhand(*arguments)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertRegex(done.stderr, r"longhand: training stopped at step \d+: .* is not finite")
        self.assertIn("initial weights", done.stderr)
        self.good("info", out / "model.safetensors")
        # A model of an earlier run is worth more than initial weights.
        for path in self.run_folder.iterdir():
            shutil.copy(path, out)
        done = longhand(*arguments)
        self.assertEqual(done.returncode, 4)
        self.assertIn("left as it was", done.stderr)
        for path in self.run_folder.iterdir():
            self.assertEqual((out / path.name).read_bytes(), path.read_bytes(), path.name)

    def test_rows_that_are_kept_out(self):
        table = self.folder / "parts.csv"
        rng = random.Random(3)
        lines = [[rng.gauss(0, 1) for _ in range(4)] for _ in range(60)]
        table.write_text("a,b,c,d\n" + "".join(",".join(map(str, line)) + "\n" for line in lines))
        out = self.folder / "parts"
        common = ["--likelihood", "gaussian", "--standardize", "--hidden", 8, "--latent", 2, "--epochs",
                  3, "--batch", 16, "--seed", 4]
        self.good("train", "--data", table, "--out", out, *common, "--test", "0.2", "--rows", "10:60")
        rows = json.loads((out / "rows.json").read_text())
        self.assertEqual(rows["file"], str(table.resolve()))
        self.assertEqual((rows["rows_in_file"], rows["rows"], rows["split"]), (60, [10, 60], "all"))
        test, validation = rows["test"], rows["validation"]
        self.assertEqual((len(test), len(validation)), (10, 4))
        train = sorted(set(range(10, 60)) - set(test) - set(validation))
        self.assertEqual(len(train), 36)
        # What was kept out had no part in the training: other numbers there, the same model.
        other = self.folder / "parts-other.csv"
        changed = [[99.0] * 4 if i in test or i < 10 else line for i, line in enumerate(lines)]
        other.write_text("a,b,c,d\n" + "".join(",".join(map(str, x)) + "\n" for x in changed))
        self.good("train", "--data", other, "--out", self.folder / "parts2", *common, "--test", "0.2",
                  "--rows", "10:60")
        model = out / "model.safetensors"
        self.assertEqual(model.read_bytes(),
                         (self.folder / "parts2" / "model.safetensors").read_bytes())
        # Each part is that of its rows.
        scores = read_csv(self.good("score", model, "--data", table).stdout)[1]
        for part, members in (("test", test), ("validation", validation), ("train", train)):
            done = self.good("evaluate", model, "--data", table, "--part", part, "--json")
            found = json.loads(done.stdout)
            self.assertEqual((found["rows"], found["split"]), (len(members), part))
            self.assertEqual("trained on these rows" in done.stderr, part == "train")
        validated = [json.loads(line) for line in
                     (out / "metrics.jsonl").read_text().splitlines()][-1]
        self.assertEqual(validated["rows"], 4)
        self.assertEqual(len(scores), 60)
        done = self.good("evaluate", model, "--data", table)
        self.assertIn("warning: " + str(table) + ": the model was trained on these rows", done.stderr)
        self.assertNotIn("warning", self.good("evaluate", model, "--data", other).stderr)
        # An IDX folder has a test part of its own; --part is about the file that was trained on.
        self.assertNotIn("warning", self.good("evaluate", self.model, "--data", self.data).stderr)
        only = self.folder / "only-train"
        only.mkdir()
        for path in self.data.glob("train-*"):
            shutil.copy(path, only)
        self.bad(3, ["has no part for tests", "or --split train"], "evaluate", self.model, "--data",
                 only)
        self.good("evaluate", self.model, "--data", only, "--split", "train")
        self.assertIn("warning", self.good("evaluate", self.model, "--data", self.data, "--split",
                                           "train").stderr)
        found = json.loads(self.good("evaluate", self.model, "--data", self.data, "--part",
                                     "validation", "--json").stdout)
        self.assertEqual((found["rows"], found["split"]), (20, "validation"))
        self.bad(2, "the training had no such rows (train --test", "evaluate", self.model, "--data",
                 self.data, "--part", "test")
        self.bad(2, "--test 0.001 of 200 rows keeps 0 out", "train", "--data", self.data, "--out",
                 self.folder / "new", "--test", "0.001")
        short = self.folder / "parts-short.csv"
        short.write_text("a,b,c,d\n1,2,3,4\n")
        self.bad(3, "has 1 rows, and the file that the model was trained on had 60", "evaluate", model,
                 "--data", short, "--part", "test")
        (out / "rows.json").write_text("{}")
        self.bad(3, "is no list of rows", "evaluate", model, "--data", table, "--part", "test")
        (out / "rows.json").unlink()
        self.bad(3, "has no rows.json beside it", "evaluate", model, "--data", table, "--part", "test")

    def test_help_fits_a_terminal_and_has_an_example(self):
        whole = self.good("help").stdout
        self.assertEqual(whole, self.good("--help").stdout)
        commands = ("train", "evaluate", "sample", "reconstruct", "embed", "score", "interpolate",
                    "traverse", "info", "import", "gradcheck")
        for command in commands:
            self.assertIn(f"\n  {command} ", whole)
            text = self.good("help", command).stdout
            self.assertEqual(text, self.good(command, "--help").stdout)
            self.assertRegex(text, rf"Examples?:\n  longhand {command} ")
            for line in text.splitlines():
                self.assertLessEqual(len(line), 80, line)
        self.assertLessEqual(max(map(len, whole.splitlines())), 80)

    def test_what_a_misspelt_word_may_have_meant(self):
        for words, meant in ((["train", "--epoch", "3"], "--epochs"),
                             (["train", "--latnet=3"], "--latent"),
                             (["train", "--valdiation", "0"], "--validation"),
                             (["train", "--check", "5m"], "--checkpoint-every"),
                             (["trian"], "train"), (["recon"], "reconstruct")):
            self.bad(2, f"(did you mean {meant}?)", *words)
        done = self.bad(2, "unknown option '--nothing-like-it'", "train", "--nothing-like-it", "3")
        self.assertNotIn("did you mean", done.stderr)
        config = self.folder / "typo.toml"
        config.write_text("latnet = 3\n")
        self.bad(2, "(did you mean --latent?)", "train", "--config", config)
        config.unlink()

    def test_a_run_that_cannot_start_touches_nothing(self):
        kept = {path: path.read_bytes() for path in self.run_folder.iterdir()}
        self.bad(3, "no such file", "train", "--data", self.folder / "none", "--out",
                 self.run_folder)
        self.bad(2, "--batch is 181, expected at most 180", "train", "--data", self.data, "--out",
                 self.run_folder, "--batch", 181)
        self.assertEqual({path: path.read_bytes() for path in self.run_folder.iterdir()}, kept)


class Use(Case):
    def test_evaluate(self):
        done = self.good("evaluate", self.model, "--data", self.data, "--json", "--samples", 3)
        result = json.loads(done.stdout)
        self.assertEqual(list(result), [
            "elbo", "log_likelihood_term", "kl", "bits_per_dim", "rows", "samples", "seed",
            "split", "binarize", "active_units", "kl_per_dimension"])
        self.assertAlmostEqual(result["elbo"], result["log_likelihood_term"] - result["kl"])
        self.assertAlmostEqual(sum(result["kl_per_dimension"]), result["kl"], places=4)
        self.assertIsNone(result["bits_per_dim"])  # grey pixels under a Bernoulli likelihood
        self.assertEqual((result["rows"], result["samples"], result["split"]),
                         (TEST_ROWS, 3, "test"))

        binary = json.loads(self.good("evaluate", self.model, "--data", self.data, "--json",
                                      "--binarize", "static", "--split", "train").stdout)
        self.assertEqual((binary["rows"], binary["split"]), (TRAIN_ROWS, "train"))
        self.assertAlmostEqual(binary["bits_per_dim"], -binary["elbo"] / PIXELS / math.log(2))

        table = self.good("evaluate", self.model, "--data", self.data)
        self.assertIn("ELBO", table.stdout)
        self.assertEqual(table.stderr, "")
        out = self.folder / "evaluation.json"
        self.assertEqual(self.good("evaluate", self.model, "--data", self.data, "--out", out,
                                   "--samples", 3, "--quiet").stdout, "")
        self.assertEqual(json.loads(out.read_text()), result)

    def test_score_agrees_with_evaluate(self):
        done = self.good("score", self.model, "--data", self.data)
        names, rows = read_csv(done.stdout)
        self.assertEqual(names, ["elbo", "log_likelihood_term", "kl"])
        self.assertEqual(len(rows), TEST_ROWS)
        result = json.loads(
            self.good("evaluate", self.model, "--data", self.data, "--json").stdout)
        for column, name in enumerate(names):
            mean = sum(row[column] for row in rows) / len(rows)
            self.assertAlmostEqual(mean, result[name], places=4)
        other = self.good("score", self.model, "--data", self.data, "--seed", 1)
        self.assertNotEqual(other.stdout, done.stdout)

    def test_sample(self):
        png = self.folder / "samples.png"
        done = self.good("sample", self.model, "--out", png)
        self.assertEqual(png_size(png), sheet(8, 8))
        self.assertEqual(done.stdout, "")
        self.good("sample", self.model, "--out", png, "--count", 10)
        self.assertEqual(png_size(png), sheet(4, 3))

        out = self.folder / "samples.npy"
        self.good("sample", self.model, "--count", 5, "--out", out)
        shape, values = read_npy(out)
        self.assertEqual(shape, (5, PIXELS))
        names, rows = read_csv(self.good("sample", self.model, "--count", 5).stdout)
        self.assertEqual((names[0], names[-1], len(rows)), ("x0", f"x{PIXELS - 1}", 5))
        for a, b in zip(values, (v for row in rows for v in row)):
            self.assertAlmostEqual(a, b, places=6)
        _, rows = read_csv(self.good("sample", self.model, "--draw").stdout)
        self.assertEqual({v for row in rows for v in row}, {0.0, 1.0})

        text = [self.good("sample", self.model, "--seed", seed).stdout for seed in (1, 1, 2)]
        self.assertEqual(text[0], text[1])
        self.assertNotEqual(text[0], text[2])

    def test_reconstruct(self):
        png = self.folder / "reconstruction.png"
        self.good("reconstruct", self.model, "--data", self.data, "--out", png)
        self.assertEqual(png_size(png), sheet(8, 2))
        self.good("reconstruct", self.model, "--data", self.data, "--out", png, "--count", 9)
        self.assertEqual(png_size(png), sheet(8, 4))
        # Nine pairs: the last original is the first of the third line, its reconstruction below.
        _, rows = read_csv(self.good("reconstruct", self.model, "--data", self.data).stdout)
        pixels = gzip.decompress((self.data / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
        pictures = read_png(png)
        for i, (column, row) in ((0, (0, 0)), (7, (7, 0)), (8, (0, 2))):
            self.assertEqual(cell(pictures, column, row),
                             list(pixels[i * PIXELS:(i + 1) * PIXELS]))
            for shade, value in zip(cell(pictures, column, row + 1), rows[i]):
                self.assertLessEqual(abs(shade - 255 * value), 0.51)

        out = self.folder / "reconstruction.npy"
        done = self.good("reconstruct", self.model, "--data", self.data, "--out", out, "--json")
        self.assertEqual(read_npy(out)[0], (TEST_ROWS, PIXELS))
        self.assertEqual(json.loads(done.stdout),
                         {"out": str(out), "rows": TEST_ROWS, "columns": PIXELS})

    def test_embed(self):
        out = self.folder / "z.npy"
        self.good("embed", self.model, "--data", self.data, "--out", out, "--split", "train")
        self.assertEqual(read_npy(out)[0], (TRAIN_ROWS, 2))
        out = self.folder / "z.csv"
        self.good("embed", self.model, "--data", self.data, "--out", out, "--logvar")
        names, rows = read_csv(out.read_text())
        self.assertEqual(names, ["mu0", "mu1", "logvar0", "logvar1"])
        self.assertEqual(len(rows), TEST_ROWS)
        kl = sum(0.5 * (row[i] ** 2 + math.expm1(row[2 + i]) - row[2 + i])
                 for row in rows for i in (0, 1)) / len(rows)
        result = self.good("evaluate", self.model, "--data", self.data, "--json").stdout
        self.assertAlmostEqual(kl, json.loads(result)["kl"], places=4)
        table = json.loads(self.good("embed", self.model, "--data", self.data, "--json").stdout)
        self.assertEqual(table["columns"], ["mu0", "mu1"])
        self.assertEqual(table["rows"][7], rows[7][:2])

    def test_interpolate_ends_at_the_reconstructions(self):
        _, points = read_csv(self.good("interpolate", self.model, "--data", self.data, "--from", 3,
                                       "--to", 5, "--steps", 4).stdout)
        _, whole = read_csv(self.good("reconstruct", self.model, "--data", self.data).stdout)
        self.assertEqual(len(points), 4)
        self.near([points[0], points[3]], [whole[3], whole[5]])
        png = self.folder / "line.png"
        self.good("interpolate", self.model, "--data", self.data, "--from", 0, "--to", 1, "--out",
                  png)
        self.assertEqual(png_size(png), sheet(10, 1))

    def test_traverse(self):
        png = self.folder / "walk.png"
        self.good("traverse", self.model, "--out", png)
        self.assertEqual(png_size(png), sheet(9, 2))
        _, both = read_csv(self.good("traverse", self.model, "--steps", 5).stdout)
        for dim in (0, 1):
            one = self.good("traverse", self.model, "--dim", dim, "--steps", 5).stdout
            self.near(read_csv(one)[1], both[5 * dim:5 * dim + 5])
        self.near([both[2]], [both[7]])  # the middle of both is z = 0
        self.assertGreater(max(abs(a - b) for a, b in zip(both[0], both[5])), 1e-3)
        _, rows = read_csv(self.good("traverse", self.model, "--data", self.data, "--row", 2,
                                     "--dim", 0, "--range", 1, "--steps", 3).stdout)
        self.assertEqual(len(rows), 3)

    def test_info(self):
        info = json.loads(self.good("info", self.model, "--json").stdout)
        self.assertTrue(info["verified"])
        self.assertEqual(info["scalar"], "float32")
        self.assertEqual(info["parameters"],
                         65 * 16 + 2 * 17 * 2 + 3 * 16 + 17 * 64)
        text = self.good("info", self.model).stdout
        self.assertIn("pictures of 8 x 8 x 1", text)
        lines = dict(line.split(None, 1) for line in text.splitlines() if line)
        self.assertEqual((lines["encoder"], lines["activation"], lines["latent"], lines["prior"]),
                         ("16", "relu", "2", "standard-normal"))
        self.assertEqual(info["config"]["format"], 2)
        self.assertIn("encoder.0.weight", text)

    def test_same_numbers_with_any_threads(self):
        text = [self.good("sample", self.model, "--threads", n).stdout for n in (1, 2)]
        self.assertEqual(text[0], text[1])

    def test_a_state_dict_without_description(self):
        data = self.model.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8:8 + length])
        del header["__metadata__"]
        bare = json.dumps(header).encode()
        path = self.folder / "bare.safetensors"
        path.write_bytes(struct.pack("<Q", len(bare)) + bare + data[8 + length:])
        self.assertTrue(json.loads(self.good("info", path, "--json").stdout)["bare"])
        self.bad(3, "--config", "embed", path, "--data", self.data)
        config = self.run_folder / "config.toml"
        self.assertEqual(self.good("embed", path, "--data", self.data, "--config", config).stdout,
                         self.good("embed", self.model, "--data", self.data).stdout)

    def test_weights_of_another_program_are_imported(self):
        data = self.model.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8:8 + length])
        del header["__metadata__"]
        theirs = {"encoder.0.": "fc1.", "mu.": "fc21.", "logvar.": "fc22.", "decoder.0.": "fc3.",
                  "decoder.2.": "fc4."}
        renamed = {next(new + name[len(old):] for old, new in theirs.items()
                        if name.startswith(old)): entry for name, entry in header.items()}
        text = json.dumps(renamed).encode()
        path, out = self.folder / "theirs.safetensors", self.folder / "ours.safetensors"
        path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length:])
        config, names = self.folder / "theirs.toml", self.folder / "names.toml"
        config.write_text("hidden = 16\nlatent = 2\nlogvar-bound = \"none\"\n")
        names.write_text("".join(f'"{new}" = "{old}"\n' for old, new in theirs.items()))
        whole = self.good("embed", self.model, "--data", self.data).stdout
        for source in ("pytorch-examples", names):
            done = self.good("import", path, "--names", source, "--config", config, "--out", out)
            self.assertNotIn("warning", done.stderr)
            self.assertEqual(self.good("embed", out, "--data", self.data).stdout, whole)
            out.unlink()
        # Other programs leave log variances as they are.
        config.write_text("hidden = 16\nlatent = 2\n")
        done = self.good("import", path, "--names", names, "--config", config, "--out", out)
        self.assertIn('warning: log variances of the model stay within 15', done.stderr)
        self.bad(3, "is a model of longhand already", "import", out, "--out", self.folder / "x")
        self.bad(3, ["decoder.2.weight is missing", "fc1.weight"], "import", path, "--config",
                 config, "--out", self.folder / "x")
        self.bad(3, "no such", "import", path, "--names", self.folder / "none", "--out",
                 self.folder / "x")
        self.bad(2, "--out is missing", "import", path, "--names", names)
        names.write_text('"fc1." = "mu."\n"fc21." = "mu."\n')
        self.bad(3, "two tensors become mu.", "import", path, "--names", names, "--out",
                 self.folder / "x")

    def test_a_state_dict_of_a_wrapped_module(self):
        data = self.model.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8:8 + length])
        del header["__metadata__"]
        path = self.folder / "wrapped.safetensors"
        config = self.run_folder / "config.toml"

        def write(rename):
            text = json.dumps({rename(name): entry for name, entry in header.items()}).encode()
            path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length:])

        write(lambda name: "_orig_mod.module." + name)
        done = self.good("embed", path, "--data", self.data, "--config", config)
        self.assertEqual(done.stdout, self.good("embed", self.model, "--data", self.data).stdout)
        self.assertIn("warning: ", done.stderr)
        self.assertIn("_orig_mod.module.", done.stderr)
        write(lambda name: "fc." + name)
        self.bad(3, ["fc.decoder.0.bias", "docs/pytorch.md"], "embed", path, "--data", self.data,
                 "--config", config)

    def test_gradcheck(self):
        text = self.good("gradcheck").stdout
        self.assertIn("model-cvae-conditional-prior", text)
        self.assertIn("model-aae-discriminator", text)
        checks = text.splitlines()[1:-2]
        self.assertGreater(len(checks), 20)
        for line in checks:
            with self.subTest(line=line):
                name, verdict, resolution, evaluations = line.split()[:4]
                self.assertIn(verdict, ("PASS", "KINK_OK"))
                self.assertLess(float(resolution), 1e-6)
                self.assertGreater(int(evaluations), 0)
                self.assertTrue(line.endswith("dual numbers"))
        self.assertEqual(text.splitlines()[-1], f"{len(checks)} of {len(checks)} passed")
        result = json.loads(self.good("gradcheck", "--layer", "latent", "--json").stdout)
        self.assertTrue(result["passed"])
        self.assertEqual([check["name"] for check in result["checks"]],
                         ["latent-gaussian", "latent-gaussian-conditional-prior", "latent-code",
                          "latent-categorical"])
        self.assertEqual(result["checks"][0]["tensors"][0]["name"], "h")
        only = self.good("gradcheck", "--layer", "dense", "--seed", "3").stdout
        self.assertEqual(only.splitlines()[-1], "1 of 1 passed")
        self.bad(2, ["--layer is 'conv'", "net-relu"], "gradcheck", "--layer", "conv")

    def test_help_and_version(self):
        self.assertRegex(self.good("--version").stdout, r"^longhand \d+\.\d+\.\d+ \(products: (oneDNN|(own, over )?Eigen) \d+\.\d+\.\d+\)\n$")
        for command in ("train", "evaluate", "sample", "reconstruct", "embed", "score",
                        "interpolate", "traverse", "info", "gradcheck"):
            self.assertIn("--json", self.good(command, "--help").stdout)


class Kinds(Case):
    def test_cvae(self):
        model, _ = self.train("cvae", "--model", "cvae")
        info = json.loads(self.good("info", model, "--json").stdout)
        shapes = {t["name"]: t["shape"] for t in info["tensors"]}
        self.assertEqual(shapes["encoder.0.weight"], [16, PIXELS + 10])
        png = self.folder / "classes.png"
        self.good("sample", model, "--out", png, "--count", 40)
        self.assertEqual(png_size(png), sheet(10, 4))
        _, turns = read_csv(self.good("sample", model, "--count", 12).stdout)
        for label, row in ((3, 3), (1, 11)):
            done = self.good("sample", model, "--count", 12, "--label", label)
            self.assertEqual(read_csv(done.stdout)[1][row], turns[row])
            self.assertNotEqual(read_csv(done.stdout)[1][2], turns[2])
        for command in (["evaluate"], ["embed"], ["score"], ["reconstruct"],
                        ["reconstruct", "--label", 2], ["interpolate", "--from", 1, "--to", 2]):
            self.good(command[0], model, "--data", self.data, *command[1:])
        self.good("traverse", model, "--label", 9)
        self.bad(2, "--label is 10, expected 0 to 9", "sample", model, "--label", 10)
        few = self.folder / "few.npy"
        write_npy(few, "|u1", [2, SIDE, SIDE], [0] * 2 * PIXELS)
        self.bad(2, "--labels", "embed", model, "--data", few)
        labels = self.folder / "labels.npy"
        write_npy(labels, "<i8", [2], [0, 12])
        self.bad(3, ["label of row 1 is 12", "0 to 9"], "embed", model, "--data", few, "--labels",
                 labels)
        write_npy(labels, "<i8", [3], [0, 1, 2])
        self.bad(3, "has 3 labels, expected 2", "embed", model, "--data", few, "--labels", labels)
        write_npy(labels, "<i8", [2], [0, 1])
        self.good("embed", model, "--data", few, "--labels", labels)

    def test_autoencoder(self):
        model, done = self.train("ae", "--model", "ae")
        self.assertNotIn("elbo", done.stderr)
        metrics = (model.parent / "metrics.jsonl").read_text().splitlines()
        for key in ("elbo", "kl"):
            self.assertIsNone(json.loads(metrics[0])[key])
        result = json.loads(self.good("evaluate", model, "--data", self.data, "--json").stdout)
        for key in ("elbo", "kl", "bits_per_dim"):
            self.assertIsNone(result[key])
        self.assertNotIn("kl_per_dimension", result)
        table = self.good("evaluate", model, "--data", self.data).stdout
        self.assertEqual([line.split("  ")[0] for line in table.splitlines()],
                         ["rows", "log-likelihood term", "active units"])
        self.bad(2, "cannot be sampled", "sample", model)
        names, _ = read_csv(self.good("score", model, "--data", self.data).stdout)
        self.assertEqual(names, ["log_likelihood_term"])
        self.good("traverse", model)
        self.bad(2, "--logvar", "embed", model, "--data", self.data, "--logvar")

    def test_the_kind_of_latent_of_an_autoencoder(self):
        # A configuration of a time when the default was "gaussian", of an ae too.
        old = self.folder / "old.toml"
        old.write_text('model = "ae"\nlatent-kind = "gaussian"\n')
        models = [self.train("ae" + str(i), *arguments)[0].read_bytes() for i, arguments in enumerate(
            (["--model", "ae"], ["--model", "ae", "--latent-kind", "code"], ["--config", old]))]
        self.assertEqual(models[0], models[1])
        self.assertEqual(models[0], models[2])

    def test_adversarial(self):
        codes = ["--model", "aae", "--likelihood", "gaussian", "--output", "sigmoid", "--sigma",
                 0.3, "--discriminator", "12,8", "--lr", "1e-3"]
        model, done = self.train("aae", *codes, "--discriminator-lr", "2e-3", "--adversarial-prior",
                                 "normal:2")
        self.assertRegex(done.stderr, r"(?m)^epoch 2/2  log-likelihood term -?\d+\.\d\d, "
                         r"real \d\.\d\d, fake \d\.\d\d, fooled \d\.\d\d, accuracy \d\.\d\d  "
                         r"\| validation log-likelihood term .*, accuracy \d\.\d\d, "
                         r"mean_gap \d\.\d\d, covariance_gap \d\.\d\d, mmd -?\d\.\d{4}  \| ")
        self.assertNotIn("elbo", done.stderr)
        self.assertRegex(done.stderr, r"\(weights of epoch \d, within 2% of the best "
                         r"reconstruction, codes nearest to the prior\)")
        train, held = map(json.loads, (model.parent / "metrics.jsonl").read_text().splitlines()[:2])
        for line in (train, held):
            for key in ("elbo", "kl", "kl_weight"):
                self.assertIsNone(line[key])
            self.assertEqual([line["players"][name]["lr"] for name in
                              ("autoencoder", "discriminator", "generator")], [1e-3, 2e-3, 1e-3])
            self.assertAlmostEqual(line["players"]["discriminator"]["loss"],
                                   line["real"] + line["fake"])
            self.assertTrue(0 <= line["accuracy"] <= 1)
        for key in ("mean_gap", "covariance_gap", "mmd"):
            self.assertNotIn(key, train)
            self.assertIsInstance(held[key], float)

        again = self.folder / "aae-again"
        self.good("train", "--config", model.parent / "config.toml", "--out", again)
        self.assertEqual((again / "model.safetensors").read_bytes(), model.read_bytes())
        for threads in (1, 3):
            same, _ = self.train(f"aae-threads{threads}", *codes, "--discriminator-lr", "2e-3",
                                 "--adversarial-prior", "normal:2", "--threads", threads)
            self.assertEqual(same.read_bytes(), model.read_bytes())

        lines = dict(line.split(None, 1) for line in
                     self.good("info", model).stdout.splitlines() if line)
        self.assertEqual([lines[name] for name in ("model", "encoder", "latent", "prior",
                                                   "discriminator")],
                         ["aae", "16", "2", "normal, scale 2", "12, 8"])
        info = json.loads(self.good("info", model, "--json").stdout)
        self.assertEqual(info["config"]["latent"], {"kind": "code", "dim": 2})
        self.assertIn({"name": "discriminator.4.weight", "dtype": "F32", "shape": [1, 8]},
                      info["tensors"])

        result = json.loads(self.good("evaluate", model, "--data", self.data, "--json").stdout)
        self.assertEqual(list(result), [
            "elbo", "log_likelihood_term", "kl", "bits_per_dim", "real", "fake", "fooled",
            "accuracy", "mean_gap", "covariance_gap", "mmd", "rows", "samples", "seed", "split",
            "binarize"])
        for key in ("elbo", "kl", "bits_per_dim"):
            self.assertIsNone(result[key])
        table = self.good("evaluate", model, "--data", self.data).stdout
        self.assertEqual([line.split("  ")[0] for line in table.splitlines()],
                         ["rows", "log-likelihood term", "real", "fake", "fooled", "accuracy",
                          "mean_gap", "covariance_gap", "mmd"])
        one = self.folder / "one.npy"
        write_npy(one, "|u1", [1, SIDE, SIDE], [0] * PIXELS)  # too few codes for a distribution
        self.assertIsNone(json.loads(
            self.good("evaluate", model, "--data", one, "--json").stdout)["mmd"])

        names, rows = read_csv(self.good("score", model, "--data", self.data).stdout)
        self.assertEqual(names, ["log_likelihood_term"])
        self.assertAlmostEqual(sum(row[0] for row in rows) / len(rows),
                               result["log_likelihood_term"], places=4)
        names, z = read_csv(self.good("embed", model, "--data", self.data).stdout)
        self.assertEqual(names, ["mu0", "mu1"])
        self.bad(2, "--logvar: an autoencoder has no", "embed", model, "--data", self.data,
                 "--logvar")
        text = [self.good("sample", model, "--seed", seed).stdout for seed in (1, 1, 2)]
        self.assertEqual(text[0], text[1])
        self.assertNotEqual(text[0], text[2])
        _, whole = read_csv(self.good("reconstruct", model, "--data", self.data).stdout)
        _, points = read_csv(self.good("interpolate", model, "--data", self.data, "--from", 3,
                                       "--to", 5, "--steps", 4).stdout)
        self.near([points[0], points[3]], [whole[3], whole[5]])
        png = self.folder / "aae.png"
        self.good("traverse", model, "--out", png)
        self.assertEqual(png_size(png), sheet(9, 2))

        # Weights alone, with what `train` was told.
        data = model.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8:8 + length])
        del header["__metadata__"]
        bare = json.dumps(header).encode()
        path = self.folder / "aae-bare.safetensors"
        path.write_bytes(struct.pack("<Q", len(bare)) + bare + data[8 + length:])
        config = ["--config", model.parent / "config.toml"]
        self.assertEqual(self.good("embed", path, "--data", self.data, *config).stdout,
                         self.good("embed", model, "--data", self.data).stdout)
        self.assertEqual(self.good("sample", path, *config).stdout,
                         self.good("sample", model).stdout)
        short = self.folder / "short.toml"
        short.write_text((model.parent / "config.toml").read_text().replace("[12, 8]", "[12, 9]"))
        self.bad(3, "discriminator.2.bias", "info", path, "--config", short)

    def test_a_discriminator_that_wins_is_said(self):
        unequal = ["--model", "aae", "--discriminator", "12,8", "--lr", "1e-9",
                   "--discriminator-lr", "1e-2", "--epochs", 30, "--adversarial-prior", "normal:4"]
        _, done = self.train("won", *unequal)
        warnings = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
        self.assertEqual(len(warnings), 1, done.stderr)
        self.assertIn("the discriminator has won", warnings[0])
        _, done = self.train("won-quiet", *unequal, "--quiet")
        self.assertEqual(done.stderr, "")

    def test_adversarial_ring_and_noise(self):
        ring, done = self.train("ring", "--model", "aae", "--adversarial-prior", "ring:5",
                                "--discriminator", "none", "--quiet")
        self.assertEqual(done.stderr, "")
        lines = self.good("info", ring).stdout
        self.assertIn("prior         ring of 5, radius 4, deviation 0.5\n", lines)
        self.assertIn("discriminator none\n", lines)
        self.good("sample", ring)
        drawn, _ = self.train("drawn", "--model", "aae", "--latent-kind", "gaussian", "--scalar",
                              "double", "--validation", 0, "--discriminator", 8)
        names, _ = read_csv(self.good("embed", drawn, "--data", self.data, "--logvar").stdout)
        self.assertEqual(names, ["mu0", "mu1", "logvar0", "logvar1"])
        names, _ = read_csv(self.good("score", drawn, "--data", self.data, "--samples", 3).stdout)
        self.assertEqual(names, ["log_likelihood_term"])
        self.good("sample", drawn, "--draw")
        golden = ROOT / "tests" / "io" / "golden" / "aae.safetensors"
        self.assertIn("ring of 3", self.good("info", golden).stdout)
        self.good("sample", golden)

    def test_discrete(self):
        choices = ["--latent-kind", "categorical", "--latent", 3, "--classes", 4]
        for estimator, key in (("gumbel", "surrogate"), ("straight-through", "elbo")):
            model, done = self.train("discrete " + estimator, *choices, "--estimator", estimator)
            self.assertIn(key + " -", done.stderr)
            self.assertNotIn("warning", done.stderr)
            first, held = map(json.loads, (model.parent / "metrics.jsonl").read_text()
                              .splitlines()[:2])
            self.assertAlmostEqual(first[key], first["log_likelihood_term"] - first["kl"])
            self.assertEqual(first["elbo"] is None, estimator == "gumbel")
            self.assertIsNotNone(held["elbo"])  # validation codes are one-hot
            self.assertEqual(held["tau"], 0.5)
        self.assertIn("latent        3 variables of 4 classes, straight-through",
                      self.good("info", model).stdout)
        result = json.loads(self.good("evaluate", model, "--data", self.data, "--importance", 20,
                                      "--json").stdout)
        self.assertEqual(len(result["kl_per_dimension"]), 3)
        self.assertGreater(result["importance_bound"], result["elbo"])
        self.assertIn("\nKL per variable ",
                      self.good("evaluate", model, "--data", self.data).stdout)
        names, codes = read_csv(self.good("embed", model, "--data", self.data).stdout)
        self.assertEqual(len(names), 12)
        for code in codes:
            for variable in range(3):
                self.assertEqual(sorted(code[4 * variable:4 * variable + 4]), [0, 0, 0, 1])
        self.good("sample", model)
        png = self.folder / "classes.png"
        self.good("traverse", model, "--out", png)
        self.assertEqual(png_size(png), sheet(4, 3))  # a line per variable, a picture per class
        self.bad(2, "nothing between two classes", "interpolate", model, "--data", self.data)
        self.bad(2, "--logvar: classes have no", "embed", model, "--data", self.data, "--logvar")
        _, done = self.train("hot", *choices, "--temperature-rate", 1e-6)
        self.assertIn("with the temperature at 0.99", done.stderr)

    def test_table_with_labels_and_units(self):
        rng = random.Random(2)
        path = self.folder / "table.csv"
        lines = ["height,kind,weight"]
        for i in range(60):
            kind = i % 3
            lines.append(f"{170 + 5 * kind + rng.gauss(0, 2)},{kind},{1e-3 * rng.gauss(kind, 1)}")
        path.write_text("\n".join(lines) + "\n")
        out = self.folder / "table"
        small = ["--hidden", 8, "--latent", 1, "--epochs", 30, "--batch", 10, "--lr", 0.01]
        self.good("train", "--data", path, "--labels", "kind", "--model", "cvae", "--out", out,
                  "--likelihood", "gaussian-learned", "--standardize", "--scalar", "double",
                  *small)
        model = out / "model.safetensors"
        names, rows = read_csv(
            self.good("reconstruct", model, "--data", path, "--labels", "kind").stdout)
        self.assertEqual(names, ["height", "weight"])
        self.assertTrue(all(150 < row[0] < 200 and abs(row[1]) < 0.01 for row in rows))
        result = json.loads(self.good("evaluate", model, "--data", path, "--labels", "kind",
                                      "--json").stdout)
        self.assertEqual(result["split"], "all")
        # A density in the user's units: weight is small, so its density is high.
        self.assertIsNotNone(result["bits_per_dim"])
        scale = json.loads(self.good("info", model, "--json").stdout)[
            "config"]["input"]["transform"]["scale"]
        self.assertAlmostEqual(
            result["bits_per_dim"],
            (-result["elbo"] + sum(math.log(s) for s in scale)) / 2 / math.log(2))
        self.bad(2, ["'colour'", "neither a file nor a column"], "embed", model, "--data", path,
                 "--labels", "colour")

    def test_missing_values(self):
        rng = random.Random(3)
        path = self.folder / "holes.csv"
        lines = [f"{rng.gauss(5, 1)},{rng.gauss(-2, 3)}" for _ in range(40)]
        lines[7] = "nan,1.5"
        lines[9] = "4.5,"
        path.write_text("a,b\n" + "\n".join(lines) + "\n")
        out = self.folder / "holes"
        arguments = ["train", "--data", path, "--out", out, "--likelihood", "gaussian",
                     "--standardize", "--hidden", 4, "--latent", 1, "--epochs", 3]
        self.bad(3, ["holes.csv", "row 7, column 0 is NaN (line 9, column \"a\")", "--missing nan"], *arguments)
        self.good(*arguments, "--missing", "nan")
        model = out / "model.safetensors"
        self.bad(3, "is NaN", "score", model, "--data", path)
        _, rows = read_csv(self.good("score", model, "--data", path, "--missing", "nan").stdout)
        self.assertTrue(all(v == v for row in rows for v in row))
        # A missing cell enters as the column's mean, so a row with the mean there looks the same.
        info = json.loads(self.good("info", model, "--json").stdout)
        mean = info["config"]["input"]["transform"]["shift"][0]
        same = self.folder / "same.csv"
        same.write_text(f"a,b\nnan,1.5\n{mean!r},1.5\n")
        _, rows = read_csv(self.good("embed", model, "--data", same, "--missing", "nan").stdout)
        self.assertAlmostEqual(rows[0][0], rows[1][0], places=5)

    def test_arrays_and_pictures(self):
        rng = random.Random(4)
        colour = self.folder / "colour.npy"
        write_npy(colour, "<f4", [20, 4, 4, 3], [rng.random() for _ in range(20 * 48)])
        out = self.folder / "colour"
        self.good("train", "--data", colour, "--out", out, "--hidden", 8, "--latent", 2,
                  "--epochs", 1)
        png = self.folder / "colour.png"
        self.good("sample", out / "model.safetensors", "--count", 4, "--out", png)
        self.assertEqual(png_size(png), (11, 11))
        self.assertEqual(png.read_bytes()[25], 2)  # RGB

        flat = self.folder / "flat.npy"
        write_npy(flat, "<f8", [20, 6], [rng.random() for _ in range(120)])
        out = self.folder / "flat"
        self.good("train", "--data", flat, "--out", out, "--hidden", 8, "--latent", 2,
                  "--epochs", 1)
        model = out / "model.safetensors"
        self.bad(2, "--image", "sample", model, "--out", png.with_name("no.png"))
        self.bad(2, "makes 4 numbers, but a row has 6", "sample", model, "--image", "2x2", "--out",
                 png.with_name("no.png"))
        self.good("sample", model, "--image", "2x3", "--out", png, "--count", 1)
        self.assertEqual(png_size(png), (5, 4))

    def test_arrays_of_numpy_in_other_orders(self):
        rng = random.Random(11)
        rows = [[rng.random() for _ in range(PIXELS)] for _ in range(20)]
        plain, other = self.folder / "plain.npy", self.folder / "other.npy"
        write_npy(plain, "<f4", [20, PIXELS], [x for row in rows for x in row])
        header = f"{{'descr': '>f4', 'fortran_order': True, 'shape': (20, {PIXELS}), }}\n"
        other.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
                          + struct.pack(f">{20 * PIXELS}f", *[x for c in zip(*rows) for x in c]))
        expected = self.good("score", self.model, "--data", plain).stdout
        self.assertEqual(self.good("score", self.model, "--data", other).stdout, expected)

        archive = self.folder / "several.npz"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            file.write(plain, "plain.npy")
            file.write(other, "other.npy")
        for name in "plain", "other":
            self.assertEqual(self.good("score", self.model, "--data", f"{archive}:{name}").stdout,
                             expected)
        self.bad(3, ["several.npz", '"plain", "other"'], "score", self.model, "--data", archive)
        self.bad(3, 'no array "x"', "score", self.model, "--data", f"{archive}:x")
        self.bad(2, "--split", "score", self.model, "--data", f"{archive}:plain", "--split", "test")
        self.bad(3, "no such file", "score", self.model, "--data", self.folder / "none.npz:x")
        with zipfile.ZipFile(archive, "w") as file:
            file.write(plain, "only.npy")
        self.assertEqual(self.good("score", self.model, "--data", archive).stdout, expected)

    def test_an_archive_with_parts_and_labels(self):
        rng = random.Random(12)
        archive, part = self.folder / "keras.npz", self.folder / "part.npy"
        with zipfile.ZipFile(archive, "w") as file:
            for name, count in (("train", 40), ("test", 10)):
                pixels = [rng.randrange(256) for _ in range(count * PIXELS)]
                write_npy(part, "|u1", [count, SIDE, SIDE], pixels)
                file.write(part, f"x_{name}.npy")
                write_npy(part, "|u1", [count], [i % 3 for i in range(count)])
                file.write(part, f"y_{name}.npy")
        model, _ = self.train("keras", "--data", archive, "--model", "cvae")
        self.assertIn("classes", self.good("info", model).stdout)
        _, scores = read_csv(self.good("score", model, "--data", archive).stdout)
        self.assertEqual(len(scores), 10)
        _, scores = read_csv(self.good("score", model, "--data", archive, "--split", "train").stdout)
        self.assertEqual(len(scores), 40)
        self.assertEqual(
            self.good("score", model, "--data", f"{archive}:x_test", "--labels", "y_test").stdout,
            self.good("score", model, "--data", archive).stdout)
        self.assertEqual(
            self.good("score", model, "--data", f"{archive}:x_test", "--labels",
                      f"{archive}:y_test").stdout,
            self.good("score", model, "--data", archive).stdout)

    def test_tables_of_other_programs(self):
        rng = random.Random(13)
        rows = [[round(rng.uniform(-9, 9), 3) for _ in range(3)] for _ in range(30)]

        def text(separator, decimal):
            lines = [["a", "b", "c"], *[[repr(x).replace(".", decimal) for x in row]
                                        for row in rows]]
            return "".join(separator.join(line) + "\n" for line in lines)

        plain = self.folder / "plain.csv"
        plain.write_text(text(",", "."))
        out = self.folder / "table"
        self.good("train", "--data", plain, "--out", out, "--likelihood", "gaussian", *SMALL[:-2])
        model = out / "model.safetensors"
        expected = self.good("score", model, "--data", plain).stdout
        for name, content in (("semicolon.csv", text(";", ".").encode()),
                              ("german.csv", text(";", ",").encode()),
                              ("tabs.tsv", text("\t", ",").encode()),
                              ("UPPER.CSV", text(",", ".").encode()),
                              ("utf16.csv", text("\t", ".").encode("utf-16")),
                              ("packed.csv.gz", gzip.compress(text(";", ",").encode()))):
            (self.folder / name).write_bytes(content)
            with self.subTest(name=name):
                self.assertEqual(self.good("score", model, "--data", self.folder / name).stdout,
                                 expected)
        self.bad(3, "separator", "score", model, "--data", plain, "--decimal", "comma")
        self.bad(2, "--separator", "score", model, "--data", plain, "--separator", "space")
        for content in text(",", "."), text(";", ","):
            done = subprocess.run([PROGRAM, "score", model, "--data", "-"], input=content,
                                  capture_output=True, text=True, check=True)
            self.assertEqual(done.stdout, expected)
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        self.bad(3, ["pipe", "empty"], "score", model, "--data", pipe)  # nobody writes
        pipe.unlink()

    def test_arrays_and_pictures_through_a_pipe(self):
        path = self.folder / "piped.npy"
        write_npy(path, "<f4", [5, PIXELS], [i / 1000 for i in range(5 * PIXELS)])
        idx = (self.data / "t10k-images-idx3-ubyte.gz").read_bytes()
        for file, content in ((path, path.read_bytes()), (self.data, gzip.decompress(idx))):
            done = subprocess.run([PROGRAM, "score", self.model, "--data", "-"], input=content,
                                  capture_output=True, check=True)
            self.assertEqual(done.stdout.decode(),
                             self.good("score", self.model, "--data", file).stdout)

    def test_folders_of_emnist_and_torchvision(self):
        expected = self.model.read_bytes()
        for place, prefix in (("emnist", "emnist-letters-"), ("torch/MNIST/raw", "")):
            folder = self.folder / place
            folder.mkdir(parents=True)
            for file in self.data.iterdir():
                name = file.name.replace("t10k", "test" if prefix else "t10k")
                shutil.copy(file, folder / (prefix + name))
                if not prefix:  # torchvision leaves both
                    (folder / name[:-3]).write_bytes(gzip.decompress(file.read_bytes()))
            top = self.folder / place.split("/", maxsplit=1)[0]
            model, _ = self.train("from-" + top.name, "--data", top)
            self.assertEqual(model.read_bytes(), expected)
            self.assertEqual(self.good("score", model, "--data", top).stdout,
                             self.good("score", model, "--data", self.data).stdout)
        shutil.copy(self.folder / "emnist" / "emnist-letters-train-images-idx3-ubyte.gz",
                    self.folder / "emnist" / "emnist-digits-train-images-idx3-ubyte.gz")
        self.bad(3, ["emnist-digits-train", "emnist-letters-train"], "train", "--data",
                 self.folder / "emnist", "--out", self.folder / "new")

    def test_bytes_are_divided_by_255(self):
        rng = random.Random(5)
        grey = [rng.randrange(256) for _ in range(10 * PIXELS)]
        whole, parts = self.folder / "bytes.npy", self.folder / "parts.npy"
        write_npy(whole, "|u1", [10, SIDE, SIDE], grey)
        write_npy(parts, "<f4", [10, PIXELS], [value / 255 for value in grey])
        self.assertEqual(self.good("score", self.model, "--data", whole).stdout,
                         self.good("score", self.model, "--data", parts).stdout)

    def test_plain_idx_folder_and_single_file(self):
        folder = self.folder / "plain"
        write_mnist(folder, gz="")
        model, _ = self.train("plain-run", "--data", folder)
        self.assertEqual(model.read_bytes(), self.model.read_bytes())
        done = self.good("embed", model, "--data", folder / "t10k-images-idx3-ubyte")
        self.assertEqual(done.stdout, self.good("embed", model, "--data", self.data).stdout)

    def test_optimizers_schedules_and_transforms(self):
        for arguments in (["--optimizer", "sgd", "--lr", "1e-4"],
                          ["--optimizer", "momentum", "--momentum", "0.8", "--lr", "1e-4"],
                          ["--optimizer", "rmsprop"], ["--lr-schedule", "cosine"],
                          ["--input-transform", "unit"], ["--binarize", "dynamic"],
                          ["--input-transform", "symmetric", "--likelihood", "gaussian"]):
            model, _ = self.train("x" + "".join(arguments), *arguments)
            self.good("evaluate", model, "--data", self.data)


class Changes(Case):
    """Rows that are changed on their way into a batch."""

    ALL = ["--augment", "shift:1,rotate:20,flip,noise:0.1", "--corrupt",
           "gaussian:0.2,mask:0.25,salt:0.1", "--dequantize"]

    def test_a_training_is_its_own_again_on_any_threads(self):
        model, done = self.train("all", *self.ALL)
        self.assertNotEqual(model.read_bytes(), self.model.read_bytes())
        for threads in (1, 3):
            self.assertEqual(self.train(f"all{threads}", *self.ALL, "--threads", threads)[0]
                             .read_bytes(), model.read_bytes())
        again = self.folder / "all-again"
        self.good("train", "--config", model.parent / "config.toml", "--out", again)
        self.assertEqual((again / "model.safetensors").read_bytes(), model.read_bytes())
        none, _ = self.train("none", "--augment", "none", "--corrupt", "none")
        self.assertEqual(none.read_bytes(), self.model.read_bytes())
        names = set()
        for k in range(1, len(self.ALL), 2):  # each list alone is another training
            names.add(self.train(f"one{k}", *self.ALL[k - 1:k + 1])[0].read_bytes())
        names.add(self.train("threshold", "--binarize", "threshold")[0].read_bytes())
        names.add(self.train("dequantized", "--dequantize")[0].read_bytes())
        self.assertEqual(len(names | {model.read_bytes(), self.model.read_bytes()}), 6)

    def test_evaluate(self):
        def json_of(*arguments):
            return json.loads(self.good("evaluate", self.model, "--data", self.data, "--json",
                                        *arguments).stdout)
        plain, worse = json_of(), json_of("--corrupt", "mask:0.5")
        self.assertEqual(worse["corrupt"], "mask:0.5")
        self.assertNotIn("corrupt", plain)
        self.assertNotEqual(worse["elbo"], plain["elbo"])
        self.assertEqual(worse, json_of("--corrupt", "mask:0.5"))
        self.assertNotEqual(worse["elbo"], json_of("--corrupt", "mask:0.5", "--seed", 2)["elbo"])
        self.assertTrue(json_of("--dequantize")["dequantize"])
        self.assertIsNotNone(json_of("--binarize", "threshold")["bits_per_dim"])

    def test_reconstruct_shows_what_the_model_is_given(self):
        png = self.folder / "given.png"
        self.good("reconstruct", self.model, "--data", self.data, "--out", png, "--count", 9,
                  "--corrupt", "salt:0.5")
        self.assertEqual(png_size(png), sheet(8, 6))  # original, given and reconstruction, twice
        pictures = read_png(png)
        whole, given = ([v for k in range(8) for v in cell(pictures, k, line)] for line in (0, 1))
        changed = [b for a, b in zip(whole, given) if a != b]
        self.assertEqual(set(changed), {0, 255})
        self.assertTrue(0.35 < len(changed) / len(whole) < 0.65)
        self.good("reconstruct", self.model, "--data", self.data, "--out", png, "--augment",
                  "shift:1,flip")
        rows = self.folder / "rows.npy"
        self.good("reconstruct", self.model, "--data", self.data, "--out", rows, "--augment",
                  "shift:1,flip")
        plain = self.folder / "plain.npy"
        self.good("reconstruct", self.model, "--data", self.data, "--out", plain)
        self.assertNotEqual(rows.read_bytes(), plain.read_bytes())

    def test_bad_lists(self):
        out = self.folder / "bad"
        for option, values in (
                ("--augment", ["shfit:2", "shift:1.5", "shift:0", "shift", "rotate:181", "flip:1",
                               "noise:-1", "noise:nan", "flip,flip", ",", "flip,"]),
                ("--corrupt", ["mask:1", "salt:1.5", "gaussian:0", "gaussian:inf", "mask",
                               "mask:0.1,mask:0.2", "flip"])):
            for value in values:
                self.bad(2, [option, f"is '{value}', expected"], "train", "--data", self.data,
                         "--out", out, option, value)
        self.bad(2, "--binarize", "train", "--data", self.data, "--out", out, "--binarize", "half")
        self.bad(2, f"shift:{SIDE} moves pictures", "train", "--data", self.data, "--out", out,
                 "--augment", f"shift:{SIDE}")
        table = self.folder / "table.csv"
        table.write_text("a,b\n0.1,0.2\n0.3,\n0.5,0.1\n0.2,0.9\n")
        arguments = ["train", "--data", table, "--missing", "nan", "--out", out]
        self.bad(2, "--dequantize is for bytes", *arguments, "--dequantize")
        self.bad(2, "holds no pictures", *arguments, "--augment", "rotate:5")
        self.bad(2, "missing numbers", *arguments, "--augment", "flip", "--image", "1x2")


class Tables(Case):
    """Data as programs write them: headers, row numbers, names of columns and of classes."""

    SMALL = ["--likelihood", "gaussian", "--hidden", 6, "--latent", 1, "--epochs", 2]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rng = random.Random(8)
        cls.columns = {name: [round(rng.gauss(i, 1), 4) for _ in range(40)]
                       for i, name in enumerate(["oak", "ash", "elm"])}

    def write(self, name, order, head=True, **more):
        columns = {key: self.columns[key] for key in order} | more
        path = self.folder / name
        lines = [",".join(columns)] if head else []
        lines += [",".join(map(str, row)) for row in zip(*columns.values())]
        path.write_text("\n".join(lines) + "\n")
        return path

    def fit(self, name, path, *more):
        out = self.folder / name
        done = self.good("train", "--data", path, "--out", out, *self.SMALL, *more)
        return out / "model.safetensors", done

    def config(self, model):
        return json.loads(self.good("info", model, "--json").stdout)["config"]

    def test_columns_are_matched_by_name(self):
        right = self.write("right.csv", ["oak", "ash", "elm"])
        model, done = self.fit("trees", right, "--standardize")
        self.assertNotIn("warning", done.stderr)
        self.assertEqual(self.config(model)["input"]["names"], ["oak", "ash", "elm"])
        for command in ("evaluate", "embed", "score", "reconstruct", "interpolate"):
            wanted = self.good(command, model, "--data", right).stdout
            done = self.good(command, model, "--data", self.write("o.csv", ["elm", "oak", "ash"]))
            self.assertEqual(done.stdout, wanted, command)
            self.assertNotIn("warning", done.stderr)
            done = self.good(command, model, "--data",
                             self.write("e.csv", ["ash", "oak", "elm"], when=["mon"] * 40))
            self.assertEqual(done.stdout, wanted, command)
            self.assertEqual(done.stderr.count("warning: "), 1)
            self.assertIn('column "when" is ignored', done.stderr)
            done = self.good(command, model, "--data",
                             self.write("n.csv", ["oak", "ash", "elm"], head=False))
            self.assertEqual(done.stdout, wanted, command)
            self.assertIn("has no header: its columns are taken in their order", done.stderr)
            self.bad(3, ['column "ash" is missing'], command, model, "--data",
                     self.write("m.csv", ["oak", "elm"]))
        npy = self.folder / "trees.npy"
        write_npy(npy, "<f8", [40, 3], [v for row in zip(*self.columns.values()) for v in row])
        done = self.good("embed", model, "--data", npy)
        self.assertEqual(done.stdout, self.good("embed", model, "--data", right).stdout)
        self.assertIn('taken in their order as "oak", …', done.stderr)
        for command in (["sample"], ["traverse"], ["reconstruct", "--data", right]):
            names, _ = read_csv(self.good(command[0], model, *command[1:]).stdout)
            self.assertEqual(names, ["oak", "ash", "elm"])

    def test_headers_and_row_numbers(self):
        plain, _ = self.fit("plain", self.write("p.csv", ["oak", "ash"]))
        path = self.folder / "indexed.csv"
        rows = list(zip(self.columns["oak"], self.columns["ash"]))
        path.write_text(",oak,ash\n" + "".join(f"{i},{a},{b}\n" for i, (a, b) in enumerate(rows)))
        model, done = self.fit("indexed", path)
        self.assertIn("column 1 looks like a row number: left out", done.stderr)
        self.assertEqual(model.read_bytes(), plain.read_bytes())
        model, _ = self.fit("kept", path, "--index", "none")
        self.assertEqual(self.config(model)["input"]["rows"], 3)
        path.write_text("0,1\n" + "".join(f"{a},{b}\n" for a, b in rows))
        _, done = self.fit("numbers", path)
        self.assertIn("warning: " + str(path) + ": header: yes; line 1 counts 0, 1", done.stderr)
        self.assertIn("on 40 rows", done.stderr)
        _, done = self.fit("no-header", path, "--header", "no")
        self.assertIn("on 41 rows", done.stderr)
        more = self.write("more.csv", ["oak", "ash", "elm"], day=["mon"] * 40)
        for options in (["--columns", "oak,ash"], ["--drop", "elm,day"], ["--drop", "3,4"]):
            model, _ = self.fit("chosen", more, *options)
            self.assertEqual(model.read_bytes(), plain.read_bytes())
        again = self.folder / "chosen-again"
        self.good("train", "--config", model.parent / "config.toml", "--out", again)
        self.assertEqual((again / "model.safetensors").read_bytes(), plain.read_bytes())
        self.bad(3, 'column "fir" is not there', "train", "--data", more, "--out",
                 self.folder / "no", *self.SMALL, "--columns", "oak,fir")
        self.bad(2, "are for csv files", "train", "--data", self.data, "--out",
                 self.folder / "no", "--header", "no")

    def test_classes_are_the_labels_that_occur(self):
        for name, kinds, names in (("from-one", [1, 2, 3], ["1", "2", "3"]),
                                   ("sparse", [-5, 0, 700], ["-5", "0", "700"]),
                                   ("words", ["red", "blue", "green"], ["blue", "green", "red"]),
                                   ("usual", [0, 1, 2], None)):
            kind = [kinds[i % 3] for i in range(40)]
            path = self.write(name + ".csv", ["oak", "ash"], kind=kind)
            model, done = self.fit(name, path, "--model", "cvae", "--labels", "kind")
            self.assertNotIn("warning", done.stderr)
            config = self.config(model)
            self.assertEqual(config["condition_rows"], 3)
            self.assertEqual(config.get("class_names"), names)
            _, turns = read_csv(self.good("sample", model, "--count", 6).stdout)
            for row, label in enumerate(names or ["0", "1", "2"]):
                done = self.good("sample", model, "--count", 6, "--label=" + label)
                self.assertEqual(read_csv(done.stdout)[1][row], turns[row])
            self.bad(2, ["--label is 3000", "expected"], "sample", model, "--label", 3000)
            wanted = self.good("embed", model, "--data", path, "--labels", "kind").stdout
            beside = self.folder / "labels.csv"
            beside.write_text("kind\n" + "".join(f"{k}\n" for k in kind))
            table = self.write("beside.csv", ["ash", "oak"])
            self.assertEqual(
                self.good("embed", model, "--data", table, "--labels", beside).stdout, wanted)
            strange = self.write("strange.csv", ["oak", "ash"], kind=[kinds[0]] * 39 + [999])
            self.bad(3, ["label of row 39 is 999", "expected"], "embed", model, "--data", strange,
                     "--labels", "kind")

    def test_bytes_that_are_0_and_1(self):
        rng = random.Random(9)
        bits = [rng.randrange(2) for _ in range(40 * 6)]
        ones, wide, reals = (self.folder / name for name in ("1.npy", "255.npy", "reals.npy"))
        write_npy(ones, "|u1", [40, 6], bits)
        write_npy(wide, "|u1", [40, 6], [255 * bit for bit in bits])
        write_npy(reals, "<f4", [40, 6], bits)
        bernoulli = ["--likelihood", "bernoulli"]
        model, done = self.fit("ones", ones, *bernoulli)
        self.assertIn("its bytes are 0 and 1: taken as such", done.stderr)
        self.assertEqual(self.config(model)["input"]["transform"]["bytes"], 1)
        other, _ = self.fit("reals", reals, *bernoulli)
        wanted = self.good("score", other, "--data", reals).stdout
        done = self.good("score", model, "--data", ones)
        self.assertEqual(done.stdout, wanted)
        self.assertNotIn("warning", done.stderr)
        few = self.folder / "few-ones.npy"
        write_npy(few, "|u1", [1, 6], [0] * 6)
        self.good("score", model, "--data", few)
        self.bad(3, ["has the byte 255", "expected 0 and 1"], "score", model, "--data", wide)
        model, done = self.fit("forced", ones, *bernoulli, "--bytes", "255")
        self.assertIn("largest number is 0.0039", done.stderr)
        self.assertNotIn("bytes", self.config(model)["input"]["transform"])
        # What the training data decided holds for later files.
        model, _ = self.fit("wide", wide, *bernoulli)
        done = self.good("score", model, "--data", ones)
        self.assertIn("warning: ", done.stderr)
        self.assertIn("largest number is 0.0039", done.stderr)

    def test_standardising(self):
        times = [1.55e9 + 30 * i for i in range(200)]
        path = self.folder / "times.csv"
        path.write_text("t,g,x\n" + "".join(
            f"{t:.0f},9.81,{math.sin(i):.5f}\n" for i, t in enumerate(times)))
        for scalar in ("float", "double"):
            model, _ = self.fit("times-" + scalar, path, "--standardize", "--scalar", scalar)
            transform = self.config(model)["input"]["transform"]
            self.assertAlmostEqual(transform["shift"][0], sum(times) / 200, places=3)
            self.assertEqual((transform["shift"][1], transform["scale"][1]), (9.81, 1.0))
            only = self.folder / "only.csv"
            only.write_text("t,g,x\n" + "".join(f"{t:.0f},9.81,0.5\n" for t in times))
            _, codes = read_csv(self.good("embed", model, "--data", only).stdout)
            self.assertEqual(len({code[0] for code in codes}), 200)
            _, rows = read_csv(self.good("reconstruct", model, "--data", path).stdout)
            self.assertTrue(all(abs(row[0] - times[100]) < 1e5 for row in rows))
            near = self.folder / "near.csv"
            near.write_text(f"t,g,x\n{times[3]:.0f},9.82,0.5\n")
            names, scores = read_csv(self.good("score", model, "--data", near).stdout)
            self.assertGreater(scores[0][names.index("elbo")], -1e4)
        for value, words in ((1e300, "too large"), (1e-200, "too near to one another")):
            path.write_text("a,b\n" + f"{value},1\n{3 * value},2\n{2 * value},3\n" * 5)
            self.bad(3, ["times.csv", "column 0", words], "train", "--data", path, "--out",
                     self.folder / "no", *self.SMALL, "--standardize")

    def test_a_validation_part_of_no_row_is_said(self):
        path = self.write("tiny.csv", ["oak", "ash"])
        path.write_text("".join(path.read_text().splitlines(True)[:5]))
        _, done = self.fit("tiny", path, "--early-stop", 3)
        self.assertIn("warning: --validation 0.1 of 4 rows is less than half a row: none is held "
                      "out, and the weights of the last epoch are kept; --early-stop never stops",
                      done.stderr)


class BadInput(Case):
    def test_usage(self):
        new = self.folder / "new"
        train = ["train", "--data", self.data, "--out", new]
        for words, arguments in (
                ("subcommand", []),
                ("fly", ["fly"]),
                ("--out is missing", ["train", "--data", self.data]),
                ("--data is missing", ["train", "--out", new]),
                ("--data is missing", ["embed", self.model]),
                (["--latent", "'0'", "at least 1"], [*train, "--latent", 0]),
                (["--lr", "'nan'", "positive number"], [*train, "--lr", "nan"]),
                (["--lr", "'inf'"], [*train, "--lr", "inf"]),
                (["--beta", "'-1'"], [*train, "--beta", -1]),
                (["--epochs", "'2.5'"], [*train, "--epochs", 2.5]),
                (["--hidden", "'4,x'"], [*train, "--hidden", "4,x"]),
                (["--hidden", "'4,0'"], [*train, "--hidden", "4,0"]),
                (["--model", "vae|ae|cvae|aae"], [*train, "--model", "gan"]),
                (["--logvar-bound", "none"], [*train, "--logvar-bound", "x"]),
                (["--validation", "[0, 1)"], [*train, "--validation", 1]),
                (["--seed", "'-1'"], [*train, "--seed", -1]),
                ("--nonsense", [*train, "--nonsense"]),
                ("--sigma is for", [*train, "--sigma", 2]),
                ("--output", [*train, "--output", "sigmoid"]),
                ("--weight-decay is for", [*train, "--weight-decay", 0.5]),
                ("--early-stop needs", [*train, "--early-stop", 2, "--validation", 0]),
                ("--precision", [*train, "--precision", "tf32"]),
                ("--steps-per-launch is for", [*train, "--steps-per-launch", 0]),
                ("--prior", [*train, "--prior", "conditional"]),
                ("--batch is 500, expected at most 180", [*train, "--batch", 500]),
                ("expected one of npy csv",
                 ["embed", self.model, "--data", self.data, "--out", new.with_suffix(".png")]),
                ("expected one of", ["sample", self.model, "--out", new.with_suffix(".gif")]),
                ("--dim: is 2, expected 0 to 1", ["traverse", self.model, "--dim", 2]),
                ("--from is 50, expected 0 to 49",
                 ["interpolate", self.model, "--data", self.data, "--from", 50, "--to", 1]),
                (["--classes", "'1'", "at least 2"], [*train, "--classes", 1]),
                (["--temperature", "'0'", "positive"], [*train, "--temperature", 0]),
                (["--temperature-rate", "'x'", "auto"], [*train, "--temperature-rate", "x"]),
                ("--temperature, --temperature-min", [*train, "--temperature", 2]),
                ("--temperature-min is 3", [*train, "--latent-kind", "categorical",
                                            "--temperature-min", 3]),
                ("--classes and --estimator are for", [*train, "--classes", 5]),
                ("--latent-kind categorical is not for --model ae",
                 [*train, "--model", "ae", "--latent-kind", "categorical"]),
                ("--latent-kind categorical is not for --model aae",
                 [*train, "--model", "aae", "--latent-kind", "categorical"]),
                ("--latent-kind code is for --model ae and aae",
                 [*train, "--latent-kind", "code"]),
                ("--latent-kind code is for", [*train, "--model", "cvae", "--latent-kind", "code"]),
                ("--beta and --kl-warmup are for a model with a KL",
                 [*train, "--model", "aae", "--beta", 2]),
                ("--beta and --kl-warmup are for a model with a KL",
                 [*train, "--model", "aae", "--kl-warmup", 5]),
                (["--prior is for", "--adversarial-prior"],
                 [*train, "--model", "aae", "--prior", "conditional"]),
                ("--logvar-bound is for", [*train, "--model", "aae", "--logvar-bound", 5]),
                ("--adversarial-prior ring:10 is for --latent 2, here it is 20",
                 [*train, "--model", "aae", "--adversarial-prior", "ring:10"]),
                *((["--adversarial-prior", f"'{prior}'", "normal:SCALE", "from 2 to 1024"],
                   [*train, "--model", "aae", "--latent", 2, "--adversarial-prior", prior])
                  for prior in ("ring:1", "ring:1025", "ring", "ring:", "ring:2.5", "normal:0",
                                "normal:x", "normal:", "normal:inf", "Normal", "box:2")),
                (["--discriminator", "'4,0'"], [*train, "--model", "aae", "--discriminator", "4,0"]),
                (["--discriminator-lr", "'0'", "positive"],
                 [*train, "--model", "aae", "--discriminator-lr", 0]),
                ("--discriminator and --adversarial-prior are for --model aae",
                 [*train, "--discriminator", 5]),
                ("--discriminator and --adversarial-prior are for --model aae",
                 [*train, "--model", "ae", "--adversarial-prior", "normal:2"]),
                ("--discriminator-lr, --generator-lr and --adversarial-beta1 are for --model aae",
                 [*train, "--discriminator-lr", 0.1]),
                ("--generator-lr and --adversarial-beta1", [*train, "--generator-lr", 0.1]),
                ("--beta1 and --adversarial-beta1 are for --optimizer adam",
                 [*train, "--optimizer", "sgd", "--beta1", 0.5]),
                ("--logvar-bound is for", [*train, "--latent-kind", "categorical",
                                           "--logvar-bound", 5]),
                ("--label is for conditional models", ["sample", self.model, "--label", 1])):
            with self.subTest(arguments=arguments):
                self.bad(2, words, *arguments)

    def test_config_files(self):
        path = self.folder / "bad.toml"
        train = ["train", "--data", self.data, "--out", self.folder / "new", "--config", path]
        for words, content in ((["unknown key 'epoch'"], "epoch = 3\n"),
                               (["unknown table 'sample'"], "[sample]\ncount = 3\n"),
                               (["--latent", "'0'"], "latent = 0\n"),
                               (["--lr", "'fast'"], "lr = \"fast\"\n"),
                               (["standardize", "true or false"], "standardize = 3\n"),
                               (["line 1", "TOML"], "what is this\n"),
                               (["line 2", "TOML"], "epochs = 3\nepochs = 4\n"),
                               (["TOML"], "'lr' = 0.1\nlr = 0.2\n"),
                               (["line 3", "'lr'", "twice"], "lr = 0.1\n[train]\nlr = 0.2\n"),
                               (["TOML"], "hidden = [8, 4\n"),
                               (["TOML"], "lr = 1e-3 1e-2\n"),
                               (["hidden", "list of numbers"], "hidden = [[8], [4]]\n"),
                               (["unknown table 'lr'"], "lr.a = 3\n"),
                               (["line 2", "17 parts"], "epochs = 1\n" + "a." * 9000 + "a = 1\n"),
                               (["17 parts"], "x = {" + "a . " * 9000 + "a = 1}\n"),
                               (["TOML"], "x = " + "[" * 9000 + "]" * 9000 + "\n"),
                               (["bytes"], "#" * 70000 + "\n")):
            path.write_text(content)
            with self.subTest(content=content[:40]):
                self.bad(2, [path, *words], *train)
        path.write_text("# a list over several lines, a quoted key, a table\n"
                        "hidden = [\n  16,  # wide\n  8,\n]\n'latent' = 2\n[train]\nepochs = 1\n"
                        "seed = '18446744073709551615'\nlr = 1e-2\n")
        out = self.folder / "told"
        self.good(*train, "--out", out)
        config = (out / "config.toml").read_text()
        for line in "hidden = [16, 8]", "latent = 2", "epochs = 1", "lr = 0.01":
            self.assertIn("\n" + line + "\n", config)
        self.assertIn('seed = "18446744073709551615"', config)
        # What an option is given on the command line with all that TOML quotes.
        data = self.folder / "a#b \"c\" 'd' \\e.npy"
        write_npy(data, "<f4", [20, 4], [i / 80 for i in range(80)])
        first, again = self.folder / "quoted", self.folder / "quoted2"
        self.good("train", "--data", data, "--out", first, *SMALL[:-2])
        self.good("train", "--config", first / "config.toml", "--out", again)
        self.assertEqual((first / "model.safetensors").read_bytes(),
                         (again / "model.safetensors").read_bytes())
        path.unlink()
        self.bad(2, [path, "No such file"], *train)
        self.bad(2, [self.folder, "folder"], *train[:-1], self.folder)
        os.mkfifo(path)
        self.bad(2, [path, "pipe"], *train)
        path.unlink()

    def test_data_files(self):
        new = self.folder / "new"
        path = self.folder / "x.npy"

        def train(code, words, name, *more):
            self.bad(code, words, "train", "--data", self.folder / name, "--out", new, *more)

        train(3, "no such file", "none.npy")
        (self.folder / "x.txt").write_text("1 2 3")
        train(3, ".npy, .npz, .csv or an IDX file", "x.txt")
        (self.folder / "empty").mkdir()
        train(3, "train-images-idx3", "empty")

        path.write_bytes(b"\x93NUMPZ" + bytes(100))
        train(3, ["x.npy", "magic"], "x.npy")
        write_npy(path, "<f4", [4, 3], [0.5] * 11)
        train(3, "x.npy", "x.npy")
        write_npy(path, "<f4", [4, 3], [0.5] * 13)
        train(3, "x.npy", "x.npy")
        write_npy(path, "<f4", [0, 3], [])
        train(3, "no rows", "x.npy")
        write_npy(path, "<f4", [2, 2], [0.5, 1.5, 0.5, 0.5])
        train(3, ["row 0, column 1 is 1.5", "[0, 1]"], "x.npy")
        write_npy(path, "<f4", [2, 2], [0.5, float("inf"), 0.5, 0.5])
        train(3, ["row 0, column 1 is inf", "finite"], "x.npy", "--likelihood", "gaussian")
        write_npy(path, "<f4", [2, 2], [0.5, float("nan"), 0.5, 0.5])
        train(3, "row 0, column 1 is NaN", "x.npy")
        write_npy(path, "<f4", [1, 2], [0.5, 0.5])
        train(3, "nothing is left to train on", "x.npy", "--validation", 0.9)
        (self.folder / "x.csv").write_text("a,b\n1,2\n3\n")
        train(3, ["x.csv", "line 3"], "x.csv")
        (self.folder / "x.csv").write_text("")
        train(3, "x.csv", "x.csv")

        folder = self.folder / "idx"
        for name, change in (("train-images-idx3-ubyte.gz", lambda b: b[:-9]),
                             ("train-images-idx3-ubyte.gz", lambda b: b + b"0"),
                             ("train-images-idx3-ubyte.gz", lambda b: b"\1" + b[1:]),
                             ("train-labels-idx1-ubyte.gz", lambda b: b[:-1])):
            shutil.copytree(self.data, folder)
            file = folder / name
            file.write_bytes(gzip.compress(change(gzip.decompress(file.read_bytes()))))
            with self.subTest(file=name):
                train(3, name, "idx", "--model", "cvae")
            shutil.rmtree(folder)

    def test_model_files(self):
        path = self.folder / "broken.safetensors"
        data = self.model.read_bytes()
        middle = bytearray(data)
        middle[-40] ^= 1
        for content in (b"", b"hello", data[:-4], data + b"1234", bytes(middle)):
            path.write_bytes(content)
            for command in (["info"], ["sample"], ["evaluate", "--data", self.data]):
                with self.subTest(size=len(content), command=command):
                    self.bad(3, path, command[0], path, *command[1:])
        self.bad(3, "none.safetensors", "info", self.folder / "none.safetensors")
        golden = ROOT / "tests" / "io" / "golden"
        self.bad(3, ["format is 1, written before the first release", "train the model again"],
                 "info", golden / "format1.safetensors")
        self.good("info", golden / "vae.safetensors")
        # One tensor less, then two of one name.
        (length,) = struct.unpack("<Q", data[:8])
        header = data[8:8 + length].decode()
        for name, words in (("mu.weighs", '"mu.weight" is missing'), ("mu.bias", "mu.bias")):
            text = header.replace('"mu.weight"', f'"{name}"').encode()
            path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length:])
            self.bad(3, words, "info", path)
        wide = self.folder / "wide.npy"
        write_npy(wide, "<f4", [2, 5], [0.5] * 10)
        self.bad(3, "rows have 5 numbers, the model expects 64", "embed", self.model, "--data",
                 wide)

    def test_text_of_files_cannot_steer_the_terminal(self):
        evil = "\x1b[2J\x9b31m\u202e\x7f"
        header = {evil: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
        path = self.folder / "evil.safetensors"

        def shows(done):
            for sign in "\x1b\x9b\u202e\x7f":
                self.assertNotIn(sign, done.stdout + done.stderr)

        text = json.dumps(header).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(4))
        shows(self.good("info", path))
        shows(self.good("info", path, "--json"))
        shows(self.bad(3, "is missing", "embed", path, "--data", self.data, "--config",
                       self.run_folder / "config.toml"))
        named = self.folder / "n\x1b[2Jname.csv"
        named.write_text("1,2\n3\n")
        shows(self.bad(3, "line 2", "score", self.model, "--data", named))
        config = self.folder / "evil.toml"
        config.write_text('"\\u001b[2J" = 1\n')
        shows(self.bad(2, "unknown key", "train", "--config", config))

    def test_inputs_that_cannot_be_reached(self):
        loop, long = self.folder / "loop", self.folder / ("n" * 300)
        loop.symlink_to("loop")
        for path in loop, long:
            self.bad(3, "cannot be opened", "train", "--data", path, "--out", self.folder / "new")
            self.bad(3, "cannot be opened", "score", path, "--data", self.data)
        table = self.folder / "labelled.csv"
        table.write_text("a,b\n1,0\n0,1\n")
        self.bad(2, "neither a file nor a column", "train", "--data", table, "--model", "cvae",
                 "--labels", "n" * 300, "--out", self.folder / "new")

    @unittest.skipIf(shutil.which("cc") is None, "no C compiler")
    def test_short_memory_ends_in_one_sentence(self):
        """malloc fails from its n-th call on, for n from the program's first lines to its end."""
        if b"__asan_init" in pathlib.Path(PROGRAM).read_bytes():
            self.skipTest("the sanitizer has a malloc of its own")
        source, library = self.folder / "failing.c", self.folder / "failing.so"
        source.write_text(FAILING_MALLOC)
        if subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=False,
                          capture_output=True).returncode != 0:
            self.skipTest("no shared library can be made with cc")
        config = self.folder / "memory.toml"
        config.write_text("hidden = [4, 3]\n")
        table = self.folder / "memory.csv"
        table.write_text("a;b\n" + "0,5;1\n" * 20)

        def run(command, calls):
            environment = {**os.environ, "LD_PRELOAD": str(library), "FAIL_FROM": str(calls)}
            return subprocess.run([PROGRAM, *map(str, command)], capture_output=True, text=True,
                                  env=environment, timeout=60, check=False)

        # The run time library of CUDA allocates before main() begins and does not check.
        first = next(calls for calls in range(100, 1500, 50)
                     if run(["--version"], calls).returncode >= 0)
        failed = 0
        for command in (["info", self.model, "--json"],
                        ["train", "--config", config, "--data", table, "--out",
                         self.folder / "memory", "--latent", "2", "--epochs", "1", "--threads", "1",
                         "-q"]):
            for calls in [*range(first, 3000, 211), *range(3000, 12000, 1500)]:
                done = run(command, calls)
                with self.subTest(command=command[0], calls=calls):
                    self.assertIn(done.returncode, (0, 1), done.stderr)
                    if done.returncode == 1:
                        self.assertEqual(done.stderr, "longhand: not enough memory\n")
                        failed += 1
        self.assertGreater(failed, 10)

    def test_many_threads_in_the_environment(self):
        with mock.patch.dict(os.environ, {"OMP_NUM_THREADS": "99999999999999999999"}):
            help_text = self.good("train", "--help").stdout
        self.assertRegex(help_text, r"\[1024\]|=1024")

    def test_what_cannot_be_saved_is_not_trained(self):
        data = self.folder / "small.npy"
        write_npy(data, "<f8", [20, 3], [i / 60 for i in range(60)])
        new = self.folder / "new"

        def train(code, words, *more):
            self.bad(code, words, "train", "--data", data, "--out", new, "--likelihood", "gaussian",
                     "--latent", 2, *more)

        train(2, ["encoder", "1024"], "--hidden", ",".join(["1"] * 1025))
        train(2, ["latent.logvar_bound", "float32"], "--hidden", 4, "--logvar-bound", "1e39")
        train(2, ["variance", "float32"], "--hidden", 4, "--sigma", "1e-25")
        self.good("train", "--data", data, "--out", self.folder / "bound", "--likelihood",
                  "gaussian", "--latent", 2, "--hidden", 4, "--epochs", 1, "--scalar", "double",
                  "--logvar-bound", "1e39")

    def test_a_file_of_many_columns_costs_what_it_holds(self):
        path = self.folder / "wide.npy"
        write_npy(path, "|u1", [1, 3_000_000], bytes(3_000_000))
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.bad(3, "3000000 numbers, the model expects 64", "embed", self.model, "--data", path)
        after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        if b"__asan_init" not in pathlib.Path(PROGRAM).read_bytes():
            self.assertLess(after - before, 64 << 10)  # in KiB; a name for each would be 100 MB

    def test_a_path_that_is_no_utf8(self):
        name = os.fsencode(self.folder) + b"/\xff\xfe.safetensors"
        with open(name, "wb") as file:
            file.write(self.model.read_bytes())
        done = subprocess.run([PROGRAM, "info", name, "--json"], capture_output=True, check=True)
        self.assertIn("\ufffd", json.loads(done.stdout)["file"])
        out = os.fsencode(self.folder) + b"/\xff.csv"
        done = subprocess.run([PROGRAM, "sample", name, "--json", "--out", out, "--count", "2"],
                              capture_output=True, check=True)
        self.assertEqual(json.loads(done.stdout)["rows"], 2)
        os.remove(name)
        os.remove(out)

    def test_device(self):
        environment = mock.patch.dict(os.environ, CUDA_VISIBLE_DEVICES="")  # also where there is one
        environment.start()
        self.addCleanup(environment.stop)
        self.bad(5, "--device cuda", "train", "--data", self.data, "--out", self.folder / "new",
                 "--device", "cuda")
        self.bad(5, "--device cuda", "sample", self.model, "--device", "cuda")

    def test_unwritable_output(self):
        file = self.folder / "file"
        file.write_text("kept")
        self.bad(1, [file, "cannot be"], "train", "--data", self.data, "--out", file)
        self.bad(1, "no folder", "sample", self.model, "--out", self.folder / "no" / "x.csv")
        self.bad(1, "no folder", "sample", self.model, "--out", file / "x.csv")
        (self.folder / "folder.csv").mkdir()
        self.bad(1, "is a folder", "sample", self.model, "--out", self.folder / "folder.csv")
        self.assertEqual(file.read_text(), "kept")
        if os.path.exists("/dev/full"):
            with open("/dev/full", "w", encoding="utf-8") as full:
                done = subprocess.run([PROGRAM, "sample", str(self.model)], stdout=full,
                                      stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("stdout", done.stderr)
        if os.geteuid() != 0:
            locked = self.folder / "locked"
            locked.mkdir(mode=0o500)
            self.bad(1, "cannot be written", "train", "--data", self.data, "--out", locked)
            self.bad(1, "cannot be written", "sample", self.model, "--out", locked / "x.csv")


if __name__ == "__main__":
    PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
