# SPDX-License-Identifier: MIT
"""Trainings that end early and go on: `longhand train --resume`, checkpoints, --max-time.

Usage: resume_test.py PROGRAM [UNITTEST ARGUMENTS...]
LONGHAND_KILLS says how often a run is killed at a random moment (default 12).
"""
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time
import unittest

import cli_test
from cli_test import SMALL, longhand

LONG = ["--hidden", "16", "--latent", "2", "--epochs", "12", "--batch", "32"]


def metrics(folder):
    """The lines of a run, but how long each took."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        del line["seconds"]
    return lines


def checkpoints(folder):
    return sorted(folder.glob("checkpoint-*.safetensors"),
                  key=lambda path: int(path.stem.split("-")[1]))


class Resume(cli_test.Case):
    def whole(self, name, *arguments):
        """A training that nobody interrupts."""
        out = self.folder / name
        if not out.exists():
            self.good("train", "--data", self.data, "--out", out, *LONG, *arguments)
        return out

    def assert_same_run(self, a, b):
        self.assertEqual((a / "model.safetensors").read_bytes(),
                         (b / "model.safetensors").read_bytes())
        self.assertEqual(metrics(a), metrics(b))

    def test_a_training_goes_on_to_the_same_bytes(self):
        kinds = {
            "vae": [],
            "dropout": ["--dropout", "0.3", "--binarize", "dynamic", "--lr-schedule", "cosine"],
            "cvae": ["--model", "cvae", "--prior", "conditional", "--optimizer", "adamw"],
            "ae": ["--model", "ae", "--optimizer", "momentum", "--lr", "0.01", "--scalar", "double"],
            "discrete": ["--latent-kind", "categorical", "--classes", "4", "--grad-norms"],
            "aae": ["--model", "aae", "--discriminator", "8", "--optimizer", "rmsprop"],
            "changes": ["--augment", "shift:1,rotate:10,flip,noise:0.05", "--dequantize",
                        "--corrupt", "gaussian:0.2,mask:0.2,salt:0.1"],
            "no validation": ["--validation", "0", "--kl-warmup", "20"],
        }
        for name, arguments in kinds.items():
            with self.subTest(name):
                whole = self.whole(f"whole {name}", *arguments)
                out = self.folder / f"parts {name}"
                self.good("train", "--data", self.data, "--out", out, *LONG, *arguments, "--threads",
                          2, "--checkpoint-every", "5steps", "--keep", 1000)
                files = checkpoints(out)
                steps = metrics(whole)[-1]["step"]
                self.assertEqual(len(files), steps // 5 + 1)  # at 5, 10, … and at the end
                self.assert_same_run(whole, out)
                for number, start in enumerate(files[::3]):
                    rest = self.folder / f"rest {name} {number}"
                    done = self.good("train", "--resume", start, "--out", rest, "--threads", 1)
                    self.assertIn(f"going on from {start}", done.stderr)
                    self.assert_same_run(whole, rest)

    def test_time_is_up_again_and_again(self):
        whole = self.whole("whole")
        out = self.folder / "hurried"
        # Each run has time for one step.
        command = ["train", "--data", self.data, "--out", out, *LONG, "--max-time", "0.000001s",
                   "--resume", "auto"]
        codes = []
        while not codes or codes[-1] == 6:
            done = longhand(*command)
            codes.append(done.returncode)
            self.assertLess(len(codes), 100)
            if codes[-1] == 6:
                self.assertIn("time is up after step", done.stderr)
                self.assertEqual(len(checkpoints(out)), 1)
        self.assertEqual(codes[-1], 0)
        self.assertEqual(len(codes), metrics(whole)[-1]["step"] + 1)
        self.assert_same_run(whole, out)
        # What is over stays over.
        before = (out / "model.safetensors").read_bytes()
        self.good("train", "--out", out, "--resume", "auto")
        self.assertEqual((out / "model.safetensors").read_bytes(), before)
        # More epochs are the training that had more epochs.
        self.good("train", "--out", out, "--resume", "auto", "--epochs", 14)
        longer = self.folder / "longer"
        self.good("train", "--data", self.data, "--out", longer, *LONG, "--epochs", 14)
        self.assert_same_run(longer, out)

    def test_killed_at_any_moment_it_goes_on_to_the_same_bytes(self):
        whole = self.whole("whole")
        start = time.monotonic()
        self.good("train", "--data", self.data, "--out", self.folder / "timed", *LONG)
        duration = time.monotonic() - start
        rng = random.Random(7)
        kills, runs = 0, 0
        while kills < int(os.environ.get("LONGHAND_KILLS", "12")):
            out = self.folder / f"killed {runs}"
            new = ["train", "--data", self.data, "--out", out, *LONG, "--checkpoint-every", "3steps"]
            if runs % 2 == 1:  # a folder that has a model already: the new run hides at first
                shutil.copytree(self.run_folder, out)
            runs += 1
            code = -9
            while code == -9:
                left = checkpoints(out) + checkpoints(out / ".run")
                command = ["train", "--out", out, "--resume", "auto"] if left else new
                with subprocess.Popen([cli_test.PROGRAM, *map(str, command)], text=True,
                                      stderr=subprocess.PIPE) as run:
                    time.sleep(rng.random() * 1.5 * duration)
                    run.kill()
                    talk = run.stderr.read()
                code = run.returncode
                kills += code == -9
            self.assertEqual(code, 0, talk)
            self.assert_same_run(whole, out)
            self.assertEqual([path.name for path in out.iterdir() if path.name.startswith(".")], [])

    def test_other_options_are_refused_in_one_sentence_that_has_both(self):
        out = self.folder / "options"
        self.good("train", "--data", self.data, "--out", out, *SMALL, "--checkpoint-every", "1epochs")
        for option, value, had in (("--lr", "0.01", "0.001"), ("--batch", 16, 32),
                                   ("--seed", 5, 0), ("--hidden", "8,8", 16),
                                   ("--optimizer", "sgd", "adam"), ("--validation", 0.5, 0.1)):
            self.bad(2, [f"{option} is {value}", f"was made with {had}", "--epochs, --threads"],
                     "train", "--resume", "auto", "--out", out, option, value)
        self.bad(2, ["--grad-norms is given", "was made with false"], "train", "--resume", "auto",
                 "--out", out, "--grad-norms")
        # The same said again is no other option.
        self.good("train", "--resume", out, "--lr", "1e-3", "--data", self.data, "--epochs", 3,
                  "--threads", 2)

    def test_other_data_are_refused(self):
        out, other = self.folder / "of data", self.folder / "other data"
        self.good("train", "--data", self.data, "--out", out, *SMALL, "--checkpoint-every", "1epochs")
        shutil.copytree(self.data, other)
        path = other / "train-images-idx3-ubyte.gz"
        pixels = bytearray(cli_test.gzip.decompress(path.read_bytes()))
        pixels[1000] ^= 1
        path.write_bytes(cli_test.gzip.compress(pixels))
        self.bad(3, "was made with other rows", "train", "--resume", out, "--data", other)
        # The same rows from elsewhere are the same rows.
        pixels[1000] ^= 1
        path.write_bytes(cli_test.gzip.compress(pixels))
        self.good("train", "--resume", out, "--data", other, "--epochs", 3)

    def test_what_is_no_checkpoint(self):
        out = self.folder / "damaged"
        self.good("train", "--data", self.data, "--out", out, *SMALL, "--checkpoint-every", "1epochs")
        [file] = checkpoints(out)
        good = file.read_bytes()
        for damaged in (good[:-1], good[:1000], b"", good[:5000] + b"\x00" + good[5001:]):
            file.write_bytes(damaged)
            self.bad(3, file.name, "train", "--resume", "auto", "--out", out)
        self.bad(3, "is a model and no checkpoint", "train", "--resume", self.model)
        self.bad(3, "has no checkpoint-", "train", "--resume", self.run_folder)
        self.bad(3, "no such", "train", "--resume", self.folder / "nowhere")
        self.bad(2, "--resume auto needs --out", "train", "--resume", "auto")
        for text in ("5", "0s", "-1m", "3.5steps", "1e99s", "nans", "m"):
            self.bad(2, "expected a number and its unit", "train", "--data", self.data, "--out",
                     self.folder / "new", "--checkpoint-every", text)
        self.bad(2, "expected a time", "train", "--data", self.data, "--out", self.folder / "new",
                 "--max-time", "5steps")

    def test_auto_begins_where_nothing_is(self):
        out = self.folder / "fresh"
        self.good("train", "--data", self.data, "--out", out, *SMALL, "--resume", "auto")
        self.assertEqual((out / "model.safetensors").read_bytes(), self.model.read_bytes())
        self.assertEqual(len(checkpoints(out)), 1)

    def test_how_many_stay(self):
        out = self.folder / "kept"
        self.good("train", "--data", self.data, "--out", out, *SMALL, "--checkpoint-every", "2steps",
                  "--keep", 3)
        self.assertEqual([path.name for path in checkpoints(out)],
                         [f"checkpoint-{step}.safetensors" for step in (8, 10, 12)])
        # A run that replaces it takes its checkpoints away too, and `none` makes none.
        self.good("train", "--data", self.data, "--out", out, *SMALL, "--checkpoint-every", "none")
        self.assertEqual(checkpoints(out), [])

    def test_a_checkpoint_is_a_model(self):
        out = self.folder / "as a model"
        self.good("train", "--data", self.data, "--out", out, *SMALL, "--checkpoint-every", "1epochs",
                  "--validation", 0)
        [file] = checkpoints(out)
        self.assertEqual(self.good("score", file, "--data", self.data).stdout,
                         self.good("score", out / "model.safetensors", "--data", self.data).stdout)


if __name__ == "__main__":
    cli_test.PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
