#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The benchmarks' arithmetic and their page, on numbers that are known. Nothing is measured."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

CPU = pathlib.Path(__file__).resolve().parents[2] / "benchmarks/cpu"
sys.path.insert(0, str(CPU))

from suite import figures, fit, report  # noqa: E402
from suite.workloads import CLASSIC, SMALL, WIDE  # noqa: E402

OURS = "longhand"
MACHINE = {"cpu": "a processor", "cores": 2, "caches": "L2 2M", "system": "Linux",
           "version": "0.1", "compiler": "g++ 12",
           "flags": "-O3", "peers": {"torch": "2.0", "jax": None}, "python": "3.11"}
TRAINING = {"net": "784-400-20", "batch": 128, "threads": 1, "steps": 10, "flops": 4e9,
            "instructions": "AVX-512", "peak": [100e9, 200e9, 100e9],
            "seconds": {OURS: [0.08, 0.04, 0.08], "PyTorch eager": [0.16, 0.08, 0.2],
                        "JAX jit": [0.4, 0.1, 0.4]},
            "loss": {OURS: [300.0, 250.0], "PyTorch eager": [302.0, 260.0],
                     "JAX jit": [297.0, 249.9]},
            "loss_without_noise": {OURS: 543.0, "PyTorch eager": 543.001, "JAX jit": 543.0},
            "failures": {"torch.compile": "no compiler"}}
INFERENCE = {"net": "784-400-20", "rows": 1, "threads": 1, "bytes": 2_000_000, "read": [40e9] * 3,
             "seconds": {OURS: [1e-4] * 3, "onnxruntime": [2e-4] * 3,
                         "onnxruntime, empty graph": [1e-6] * 3},
             "first_row": {OURS: [0.5, 0.25], "onnxruntime": [0.5, 0.25001]}}


RUN = {"date": "2026-01-01", "commit": "abc", "version": "0.1", "quick": False, "rounds": 3,
       "minutes": 1, "busy": 0.0, "stolen": 0}


def results(**sections):
    return {"machine": MACHINE, "runs": {name: RUN for name in sections}, **sections}


class Work(unittest.TestCase):
    def test_operations_of_the_control_run(self):
        # 784x400 + 400x40 + 20x400 + 400x784 = 651,200 products per row, thrice forward and back,
        # two operations each, without the first layer's dX.
        self.assertEqual(CLASSIC.flops_per_step(128), 128 * (6 * 651_200 - 2 * 784 * 400))

    def test_parameters(self):
        self.assertEqual(CLASSIC.parameters, 651_200 + 400 + 40 + 400 + 784)

    def test_a_reconstruction_reads_no_log_variance(self):
        self.assertEqual(SMALL.reconstruction_bytes,
                         4 * (17 * 32 + 33 * 4 + 5 * 32 + 33 * 16))

    def test_name(self):
        self.assertEqual(WIDE.name, "784-1024-1024-64")


class Fit(unittest.TestCase):
    def test_exact_power(self):
        x = [1, 2, 4, 8, 16]
        self.assertAlmostEqual(fit.exponent(x, [3 * v ** 1.5 for v in x]), 1.5)

    def test_fixed_costs_are_left_out(self):
        x = [1, 2, 4, 8, 1024, 2048, 4096, 8192]
        self.assertAlmostEqual(fit.exponent(x, [7, 7, 7, 7, *(v ** 2 for v in x[4:])]), 2)

    def test_order_does_not_matter(self):
        self.assertAlmostEqual(fit.exponent([4, 1, 2], [16, 1, 4]), 2)

    def test_two_points_are_no_trend(self):
        self.assertIsNone(fit.exponent([1, 2], [1, 2]))


class Page(unittest.TestCase):
    def test_nothing_measured(self):
        page = report.page({})
        self.assertIn("Nothing has been measured yet", page)
        self.assertEqual(page.count("*Not measured.*"), len(report.SECTIONS))

    def test_ratios_and_peak_are_medians_of_rounds(self):
        page = report.page(results(training=[TRAINING]))
        self.assertIn("2.00 × PyTorch eager", page)  # of 2, 2, 2.5
        self.assertIn("| 50% |", page)               # of 50, 50, 50 though time and peak vary
        self.assertIn("8.00 ms (4.00 to 8.00)", page)

    def test_gain_by_threads(self):
        two = {**TRAINING, "threads": 2, "seconds": {OURS: [0.044, 0.04, 0.03]}}
        self.assertIn("| 2.00 |", report.page(results(training=[TRAINING, two])))

    def test_the_best_peer_is_the_one_compared_with(self):
        faster = {**TRAINING, "seconds": {**TRAINING["seconds"], "JAX jit": [0.04] * 3}}
        self.assertIn("× JAX jit", report.page(results(training=[faster])))

    def test_an_empty_graph_is_nobody(self):
        page = report.page(results(inference=[INFERENCE]))
        self.assertIn("2.00 × onnxruntime |", page)
        self.assertIn("20.0 GB/s, 50%", page)

    def test_failures_are_reported(self):
        page = report.page(results(training=[TRAINING]))
        self.assertIn("torch.compile failed: no compiler", page)

    def test_disagreement_is_reported(self):
        self.assertNotIn("do not agree", report.page(results(training=[TRAINING])))
        for field, value in (("loss", [310.0, 250.0]), ("loss", [300.0, 265.0]),
                             ("loss_without_noise", 543.2)):
            wrong = {**TRAINING, field: {**TRAINING[field], "JAX jit": value}}
            page = report.page(results(training=[wrong]))
            self.assertIn("(JAX jit): they do not agree", page)
        wrong = {**INFERENCE, "first_row": {OURS: [0.5], "onnxruntime": [0.6]}}
        self.assertIn("do not agree", report.page(results(inference=[wrong])))

    def test_a_busy_machine_and_a_trial_are_marked(self):
        page = results(training=[TRAINING], inference=[INFERENCE])
        self.assertNotIn("do not trust", report.page(page))
        busy = page | {"runs": page["runs"] | {"inference": RUN | {"busy": 0.3}}}
        self.assertEqual(report.page(busy).count("do not trust"), 1)
        quick = page | {"runs": page["runs"] | {"training": RUN | {"quick": True}}}
        self.assertEqual(report.page(quick).count("means anything"), 1)

    def test_sections_say_when_they_were_measured(self):
        page = results(training=[TRAINING], inference=[INFERENCE])
        page["runs"]["inference"] = RUN | {"date": "2026-02-02", "commit": "def"}
        self.assertIn("*2026-01-01, commit abc: 3 rounds", report.page(page))
        self.assertIn("*2026-02-02, commit def: 3 rounds", report.page(page))

    def test_scaling_with_and_without_pictures(self):
        sweep = {"label": "threads", "what": "a net", "values": [1, 2], "threads": None,
                 "picture": "scaling-threads.svg", "exponents": {OURS: None}, "ideal": -1.0}
        page = report.page(results(scaling=[{**sweep, "threads": 1, "exponents": {OURS: 0.98}}]))
        self.assertIn("| longhand 0.98 | -1.00 | ![](images/scaling-threads.svg) |", page)
        page = report.page(results(scaling=[{**sweep, "picture": None}]))
        self.assertIn("| longhand – | -1.00 | – |", page)

    def test_stages_add_up(self):
        entry = {"primitive": "multiply", "formula": "", "calls": 10, "alone": 0}
        record = {"net": "a", "batch": 1, "threads": 1, "steps": 10, "seconds": 1e-3,
                  "primitives": [{**entry, "stage": "products", "seconds": 6e-4},
                                 {**entry, "stage": "optimizer", "seconds": 3e-4}],
                  "alone": {"steps": 5, "primitives": [
                      {**entry, "stage": "products", "seconds": 9.0, "alone": 2.4e-4},
                      {**entry, "stage": "optimizer", "seconds": 9.0, "alone": 1.5e-4}]}}
        page = report.page(results(stages=[record]))
        self.assertIn("| between the primitives | 10.0 (10%) |", page)
        self.assertIn("| multiply |  | 1 | 60.0 | 60.0% |", page)
        self.assertIn("| 60.0 (60%, 80% of its best) |", page)  # 48 µs per step alone
        self.assertIn("| 30.0 (30%, 100% of its best) |", page)

    def test_the_cost_of_equal_bits(self):
        product = {"net": "a", "batch": 1, "threads": 2, "m": 3, "n": 4, "k": 5, "ta": False,
                   "tb": True, "apart": 1e-8}
        page = report.page(results(products=[
            {**product, "seconds": {OURS: [3.0, 3.0], "Eigen": [2.0, 3.0]}},
            {**product, "ta": True, "tb": False,
             "seconds": {OURS: [3.0, 3.0], "Eigen": [4.0, 5.0]}}]))
        # Of the sums, -0% and -25%; of the first product alone +50% and 0%.
        self.assertIn("| 6.00 s (6.00 to 6.00) | 7.00 s (6.00 to 8.00) | -12% | "
                      "+25%: ABᵀ of 3 × 4, depth 5 | 1e-08 |", page)

    def test_memory_beside_its_floor(self):
        record = {"epochs": 10, "threads": 1, "floor": 2 ** 26, "seconds": {OURS: [1.0]},
                  "resident": {OURS: [2 ** 27]}, "loss": {OURS: 240.0}}
        page = report.page(results(**{"end-to-end": [record]}))
        self.assertIn("128 MiB", page)
        self.assertIn("longhand takes 2.00 times that", " ".join(page.split()))

    def test_alone(self):
        alone = {**TRAINING, "seconds": {OURS: [0.08]}, "loss": {OURS: [1.0]},
                 "loss_without_noise": {OURS: 1.0}}
        self.assertIn("nobody to compare with", report.page(results(training=[alone])))


def stage(name, primitive, formula, seconds, alone):
    return {"stage": name, "primitive": primitive, "formula": formula, "calls": 20,
            "seconds": seconds, "alone": alone}


PRIMITIVES = [stage("products", "multiply", "AddBias", 6e-4, 5e-4),
              stage("elementwise", "for_each", "Value", 2e-5, 1e-5),
              stage("reductions", "reduce", "Square", 3e-5, 2e-5),
              stage("optimizer", "for_each", "TakesMoments<Adam>", 2e-4, 1e-4),
              stage("data", "permute", "", 1e-5, 1e-5)]
# A results.json with every section, as run.py leaves it.
WHOLE = results(
    training=[TRAINING, {**TRAINING, "threads": 2,
                         "seconds": {**TRAINING["seconds"], "longhand, oneDNN": [0.07] * 3},
                         "loss": {**TRAINING["loss"], "longhand, oneDNN": [300.0, 250.0]},
                         "loss_without_noise": {**TRAINING["loss_without_noise"],
                                                "longhand, oneDNN": 543.0}}],
    stages=[{"net": net, "batch": 128, "threads": threads, "steps": 20, "seconds": 1e-3,
             "primitives": PRIMITIVES, "alone": {"steps": 10, "primitives": PRIMITIVES}}
            for net in ("784-400-20", "16-32-4") for threads in (1, 2)],
    products=[{"net": "784-400-20", "batch": 128, "threads": threads, "m": 400, "n": 128, "k": 784,
               "ta": True, "tb": False, "apart": 1e-8,
               "seconds": {OURS: [1e-3, 2e-3], "Eigen": [1e-3, 1e-3]}} for threads in (1, 2)],
    inference=[INFERENCE, {**INFERENCE, "rows": 1024}],
    **{"end-to-end": [{"epochs": 10, "threads": threads, "floor": 2 ** 26,
                       "seconds": {OURS: [20.0], "PyTorch eager": [47.0]},
                       "resident": {OURS: [2 ** 27], "PyTorch eager": [2 ** 30]},
                       "loss": {OURS: 240.0, "PyTorch eager": 241.0}} for threads in (1, 2)]},
    scaling=[{"name": "batch", "label": "rows per batch", "what": "784-400-20", "threads": 1,
              "picture": "scaling-batch.svg", "per_epoch": False, "values": [1, 2, 4],
              "seconds": {OURS: [1e-4, 1.5e-4, 2e-4], "PyTorch eager": [3e-4] * 3}, "ideal": 1.0,
              "exponents": {OURS: 0.5, "PyTorch eager": None}}])


class WholePage(unittest.TestCase):
    def test_every_section_is_there_and_every_table_is_whole(self):
        page = report.page(WHOLE)
        self.assertNotIn("Not measured", page)
        for _, title, _ in report.SECTIONS:
            self.assertIn(f"\n## {title}\n", page)
        tables = [block.splitlines() for block in page.split("\n\n")
                  if block.lstrip().startswith("|")]
        self.assertGreaterEqual(len(tables), 10)
        for lines in tables:
            cells = {line.count(" | ") for line in lines if line.startswith("|")}
            self.assertEqual(len(cells), 1, lines)

    def test_the_program_writes_it_from_what_was_recorded(self):
        with tempfile.TemporaryDirectory() as folder:
            recorded = pathlib.Path(folder, "build/results/results.json")
            recorded.parent.mkdir(parents=True)
            recorded.write_text(json.dumps(WHOLE), encoding="utf-8")
            page = pathlib.Path(folder, "docs/benchmarks.md")
            subprocess.run([sys.executable, CPU / "run.py", "--render", "--build",
                            recorded.parent.parent, "--page", page], check=True,
                           stdout=subprocess.DEVNULL)
            written = page.read_text(encoding="utf-8")
            picture = page.parent / "images/scaling-batch.svg"
            # Where there is no matplotlib the page goes without pictures.
            with_picture = report.page(WHOLE)
            self.assertEqual(written, with_picture if picture.exists() else with_picture.replace(
                "![](images/scaling-batch.svg)", "–"))


class Numbers(unittest.TestCase):
    def test_three_digits(self):
        self.assertEqual([figures.number(v) for v in (0.1234, 1.234, 12.34, 123.4, 1234.5)],
                         ["0.123", "1.23", "12.3", "123", "1234"])

    def test_units(self):
        self.assertEqual(figures.spread([2e-6, 1e-6, 3e-6]), "2.00 µs (1.00 to 3.00)")
        self.assertEqual(figures.spread([2.0]), "2.00 s (2.00 to 2.00)")


if __name__ == "__main__":
    unittest.main()
