#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The page of the micro-benchmarks from recorded output of Google Benchmark. Nothing is measured."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

root = pathlib.Path(__file__).resolve().parents[2]
REPORT = root / "benchmarks/micro/report.py"

# What `micro_v1` and `micro_v3 --benchmark_format=json` print, without the fields nobody reads.
RECORDED = {
    "1": [{"name": "peak multiply-add/float", "real_time": 2.4e4, "GFLOP/s": 36.7},
          {"name": "peak read L1 16 KB/float", "real_time": 2.4e2, "GB/s": 70.25},
          {"name": "for_each tile Backward<Relu>/float", "real_time": 5e3, "ns": 0.25, "GB/s": 47.6},
          {"name": "multiply 784|400/float", "real_time": 1e6, "GFLOP/s": 30.0}],
    "3": [{"name": "peak multiply-add/float", "real_time": 2.4e4, "GFLOP/s": 146.8},
          {"name": "peak read L1 16 KB/float", "real_time": 1.2e2, "GB/s": 140.5},
          {"name": "for_each tile Backward<Relu>/float", "real_time": 2e3, "ns": 0.1, "GB/s": 119.0},
          {"name": "multiply 784|400/float", "real_time": 3e5, "GFLOP/s": 105.0}],
}


class Page(unittest.TestCase):
    def test_whole(self):
        with tempfile.TemporaryDirectory() as build:
            folder = pathlib.Path(build, "benchmarks/micro")
            folder.mkdir(parents=True)
            for level in ("1", "3", "4"):
                lines = "exit 77" if level == "4" else (
                    f"cat <<'JSON'\n{json.dumps({'context': {}, 'benchmarks': RECORDED[level]})}\n"
                    "JSON")
                program = folder / f"micro_v{level}"
                program.write_text(f"#!/bin/sh\n{lines}\n", encoding="utf-8")
                program.chmod(0o755)
            page = subprocess.run([sys.executable, REPORT, build, "--benchmark_filter=."],
                                  check=True, capture_output=True, text=True).stdout
        self.assertTrue(page.startswith("# Primitives and formulas"))
        self.assertIn("micro/report.py build --benchmark_filter=. > docs/", page)
        self.assertEqual([line for line in page.splitlines() if line.startswith("|")], [
            "| | SSE2 | AVX2 | SSE2 / AVX2 |",  # without what this processor cannot run
            "|---|---:|---:|---:|",
            "| peak multiply-add/float | 36.7 GFLOP/s | 147 GFLOP/s | 4.0 |",
            "| peak read L1 16 KB/float | 70.2 GB/s | 140 GB/s | 2.0 |",
            "| for_each tile Backward<Relu>/float | 0.25 ns (48 GB/s) | 0.1 ns (119 GB/s) | 2.5 |",
            "| multiply 784400/float | 30 GFLOP/s | 105 GFLOP/s | 3.5 |"])

    def test_a_program_that_fails_fails_the_page(self):
        with tempfile.TemporaryDirectory() as build:
            folder = pathlib.Path(build, "benchmarks/micro")
            folder.mkdir(parents=True)
            program = folder / "micro_v1"
            program.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
            program.chmod(0o755)
            done = subprocess.run([sys.executable, REPORT, build], check=False,
                                  capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
