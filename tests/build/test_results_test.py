#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scripts/test-results on logs as Meson writes them."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "test-results"


def printed(*logs):
    """Exit status and lines, for logs that are lists of tests, or None for one that is missing."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, tests in enumerate(logs):
            paths.append(pathlib.Path(folder, f"{number}.json"))
            if tests is not None:
                paths[-1].write_text("".join(json.dumps(test) + "\n" for test in tests),
                                     encoding="utf-8")
        done = subprocess.run([sys.executable, SCRIPT, *paths], check=False, capture_output=True,
                              text=True)
    return done.returncode, done.stdout.splitlines()


def test(name, result, **streams):
    return {"name": name, "result": result, **streams}


class Results(unittest.TestCase):
    def test_counts_over_all_logs(self):
        self.assertEqual(printed([test("a", "OK"), test("b", "FAIL")], [test("c", "TIMEOUT")]),
                         (1, ["1 passed, 2 failed"]))
        self.assertEqual(printed([test("a", "OK"), test("b", "EXPECTEDFAIL")]),
                         (0, ["2 passed, 0 failed"]))

    def test_a_log_that_is_missing_or_empty_is_a_failure(self):
        for log in (None, []):
            self.assertEqual(printed([test("a", "OK")], log), (1, ["1 passed, 1 failed"]))

    def test_skips_have_a_name_and_a_reason(self):
        status, lines = printed([
            test("a", "OK"),
            test("io/pytorch", "SKIP", stdout="skipped: No module named 'torch'\n"),
            test("consumers", "SKIP", stdout="CMake: skipped, there is no cmake\nfive others ran\n"),
            test("cuda/device", "SKIP", stderr="no device\n"), test("silent", "SKIP")])
        self.assertEqual(lines, ["skipped: io/pytorch: No module named 'torch'",
                                 "skipped: consumers: CMake: skipped, there is no cmake",
                                 "skipped: cuda/device: no device",
                                 "skipped: silent: it did not say why",
                                 "1 passed, 0 failed, 4 skipped"])
        self.assertEqual(status, 0)

    def test_skips_alone_are_no_success(self):
        self.assertEqual(printed([test("a", "SKIP", stdout="why")])[0], 1)


if __name__ == "__main__":
    unittest.main()
