#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The GPU section of docs/results.md from figures that are known, and from none."""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "benchmarks/gpu"))

import report  # noqa: E402
import work  # noqa: E402
from measured import Measured  # noqa: E402

CLASSIC = work.NETS["classic"]


def time(who, us, batch=128, precision="fp32", net="classic", loss=100.0, epoch_ms=25.0):
    fields = "time", who, net, batch, precision, us, us - 1, us + 2, epoch_ms, loss, 10
    return "\t".join(map(str, fields))


def page(*lines):
    return report.section(Measured(lines))


def row(text, start):
    """The cells of the first row of a table that begins like this."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("| ").split(" | ")]


OURS = time("longhand graph x16", 50)


class Work(unittest.TestCase):
    def test_bytes_are_parameters_moments_and_rows(self):
        self.assertEqual(work.bytes_per_step(CLASSIC, 8192), 24 * 652_824 + 784 * 7500)

    def test_operations_are_those_of_the_mean_step(self):
        self.assertEqual(work.flops_per_step(CLASSIC, 8192), 7500 * 3_280_000)

    def test_steps_keep_the_ragged_batch(self):
        self.assertEqual([work.steps(b) for b in work.BATCHES], [469, 59, 8])

    def test_kernels_are_those_of_the_documentation(self):
        text = (root / "docs/backends.md").read_text(encoding="utf-8")
        products, kernels = map(int, re.search(r"(\d+) products and (\d+) kernels", text).groups())
        self.assertEqual(work.kernels_per_step(CLASSIC), products + kernels)

    def test_a_layer_more_in_each_net_is_twelve_kernels_more(self):
        self.assertEqual(work.kernels_per_step(work.NETS["deep"]),
                         work.kernels_per_step(CLASSIC) + 12)


class NoData(unittest.TestCase):
    def test_every_aim_stands_and_nothing_is_measured(self):
        text = page()
        rows = [line for line in text.splitlines() if line.startswith("| batch")]
        self.assertEqual(len(rows), len(report.AIMS) + 2)
        for line in rows:
            cells = line.strip("| ").split(" | ")[2:]
            self.assertIn(report.NOT_YET, cells)
            self.assertLessEqual(set(cells), {report.NOT_YET, "–"})
        self.assertNotIn("reached", text)

    def test_lines_that_are_not_whole_are_none(self):
        for line in ("", "time", OURS.rsplit("\t", 2)[0], OURS.replace("50", "fast"), "W1120 noise",
                     "ceiling\tcopy\t-", "bool\tx"):
            self.assertEqual(page(line), page())

    def test_without_a_device_nothing_is_measured(self):
        self.assertEqual(page("machine\tCUDA\t13", "test\tcuda_errors\tpassed",
                              "test\tcuda_device\tskipped"), page())

    def test_no_figure_is_on_the_page_that_was_not_in_the_lines(self):
        # Of one time, the only figures of tables are that time, its bound and what is asked for.
        text = page(OURS)
        self.assertEqual(text.count("reached"), 2)
        self.assertIn("| batch 128, TF32 | – | – | – |", text)
        self.assertIn("### `deep`, 784-64-16-20\n\n*Not yet measured.*", text)
        self.assertIn("### Bounds\n\n*Not yet measured.*", text)


class Aims(unittest.TestCase):
    def test_the_best_of_several_peers_counts(self):
        text = page(OURS, time("PyTorch compile", 200),
                    time("PyTorch compile, reduce-overhead", 140))
        self.assertEqual(row(text, "batch 128: torch.compile")[2],
                         "2.80 (PyTorch compile, reduce-overhead): **not reached**")

    def test_one_that_is_missing_is_named(self):
        text = page(OURS, time("PyTorch eager, one graph", 75))
        self.assertEqual(row(text, "batch 128: PyTorch, the whole")[2],
                         "1.50 (PyTorch eager, one graph; PyTorch compile, one graph "
                         "*not yet measured*): reached")

    def test_precisions_are_not_mixed(self):
        text = page(OURS, time("PyTorch eager", 400, precision="tf32"))
        self.assertEqual(row(text, "batch 128: PyTorch eager")[2:], [report.NOT_YET] * 2)

    def test_the_large_batch_is_asked_for_in_tf32(self):
        text = page(time("longhand graph x16", 200, 8192, "tf32"),
                    time("JAX scan", 219, 8192, "tf32"), time("PyTorch eager", 500, 8192, "tf32"))
        self.assertEqual(row(text, "batch 8,192: JAX")[2:], ["–", "1.09: **not reached**"])
        self.assertEqual(row(text, "batch 8,192: PyTorch eager")[2:], ["–", "2.50: reached"])

    def test_step_and_epoch(self):
        text = page(time("longhand graph x16", 60), time("longhand graph x16", 40, precision="tf32",
                                                         epoch_ms=30.1))
        self.assertEqual(row(text, "batch 128: a step")[2:], ["60.0 µs: reached", "–"])
        self.assertEqual(row(text, "batch 128: an epoch")[2:],
                         ["25.0 ms: reached", "30.1 ms: **not reached**"])

    def test_other_ways_of_longhand_do_not_count(self):
        self.assertNotIn("reached", page(time("longhand eager", 10)))


class Tables(unittest.TestCase):
    def test_times_and_ratios(self):
        text = page(OURS, time("longhand eager", 150), time("PyTorch eager", 400),
                    time("longhand graph x16, both", 40))
        self.assertIn("| batch 128, fp32 | 50.0 (49.0 to 52.0) | "
                      "400 (399 to 402) | – | – | – | – | – | 25.0 |", text)
        self.assertIn("| batch 128, fp32 | 8.00 | – |", text)
        self.assertIn("| batch 128, fp32 | 150 (149 to 152) | – | 50.0 (49.0 to 52.0) | – | – | "
                      "40.0 (39.0 to 42.0) |", text)

    def test_losses(self):
        near = page(OURS, time("JAX scan", 80, loss=101.9))
        self.assertIn("All within 2% of longhand's.", near)
        far = page(OURS, time("JAX scan", 80, loss=97.0))
        self.assertIn("**More than 2% from longhand's: JAX scan at batch 128, fp32 (-3.0%).**", far)
        self.assertIn("More than 2%", page(OURS, time("JAX scan", 80, loss="nan")))
        self.assertNotIn("within 2%", page(OURS))

    def test_starts(self):
        start = "start\tlonghand\tclassic\t500"
        self.assertIn("2e-07 (JAX): rounding.", page(OURS, start, "start\tJAX\tclassic\t500.0001"))
        self.assertIn("do not compute the same", page(OURS, start, "start\tJAX\tclassic\t500.01"))

    def test_what_was_skipped_is_said(self):
        why = "skipped\tPyTorch compile\tclassic\t128\tfp32\tout of time"
        self.assertIn("- PyTorch compile at batch 128, fp32: out of time\n", page(OURS, why))
        self.assertIn("- JAX: not installed\n",
                      page(OURS, "skipped\tJAX\tclassic\t-\t-\tnot installed"))
        self.assertNotIn("out of time", page(OURS, why, time("PyTorch compile", 200)))

    def test_parts_from_different_machines_are_marked(self):
        one = ["machine\tdate\t2026-01-01", "machine\tGPU\tone"]
        self.assertNotIn("do not compare", page(OURS, *one, *one, "machine\tdate\t2026-01-02"))
        self.assertIn("(GPU): do not compare", page(OURS, *one, "machine\tGPU\ttwo"))

    def test_failed_tests_are_loud(self):
        text = page("test\tcuda_device\tpassed", "test\tmemcheck\tfailed (9)")
        self.assertIn("1 of 2 passed or clean; **memcheck: failed (9)**.", text)


class Bounds(unittest.TestCase):
    COPY = "ceiling\tcopy\t-\t-\t4e9\t1e-3\t1e-3\t2e-3"                    # 4 TB/s
    KERNEL = "ceiling\tkernel in a graph\t-\t-\t1\t1e-6\t1e-6\t1e-6"
    PEAK = "ceiling\tlarge product\t-\tfp32\t5e13\t1\t1\t1"                # 50 TFLOP/s

    def test_arithmetic_bounds_large_batches_and_bytes_small_ones(self):
        found = Measured([self.COPY, self.PEAK])
        for batch, seconds in ((8192, 7500 * 3_280_000 / 50e12),
                               (1, (24 * 652_824 + 784) / 4e12)):
            self.assertAlmostEqual(report.roofline(found, CLASSIC, batch, "fp32"), seconds, 15)
        self.assertIsNone(report.roofline(found, CLASSIC, 128, "tf32"))

    def test_table(self):
        text = page(OURS, self.COPY, self.KERNEL, self.PEAK)
        # 420 MFLOP at 50 TFLOP/s are 8.39 µs, longer than 15.8 MB at 4 TB/s; 32 kernels are 32 µs.
        self.assertEqual(row(text, "classic, batch 128, fp32")[1:],
                         ["0.42", "15.8", "8.39", "32.0", "50.0", "5.96", "1.56"])
        self.assertEqual(row(text, "classic, batch 128, TF32")[3:],
                         [report.NOT_YET, "32.0", report.NOT_YET, "–", "–"])
        self.assertEqual(row(text, "copying")[1], "4.00 TB/s (2.00 to 4.00)")
        self.assertEqual(row(text, "… asked for")[1], report.NOT_YET)

    def test_products(self):
        names = ["Y1", "dW1", "Y2", "dW2", "dX2", "Y3", "dW3", "dX3", "Y4", "dW4", "dX4"]
        lines = [f"ceiling\t{name}\t128\tfp32\t8e7\t4e-6\t4e-6\t4e-6" for name in names]
        text = page(*lines)
        self.assertEqual(row(text, "dX4")[1:3], ["20.0", report.NOT_YET])
        self.assertEqual(row(text, "all, one after")[1:3], ["44.0", report.NOT_YET])
        self.assertEqual(row(page(*lines[1:]), "all, one after")[1], report.NOT_YET)
        self.assertNotIn("| dX1", text)


def recorded():
    """The lines that every part of benchmarks/gpu.sh would leave, nothing missing."""
    yield from ["machine\tdate\t2026-01-01", "machine\tGPU\ta device", "machine\tCUDA\t13"]
    yield from [f"test\tcuda_{name}\tpassed" for name in ("errors", "cublas", "device", "broken")]
    yield from [f"test\t{tool}\tclean" for tool in ("memcheck", "racecheck")]
    for net in work.NETS:
        yield from [f"start\t{who}\t{net}\t500" for who in ("longhand", "PyTorch", "JAX")]
        for batch in work.BATCHES:
            for precision in work.PRECISIONS:
                for who in report.WAYS + report.PEERS:
                    us = 50 if who.startswith("longhand") else 400
                    yield time(who, us, batch, precision, net)
    for precision in work.PRECISIONS:
        yield f"ceiling\tlarge product\t-\t{precision}\t5e13\t1\t1\t1"
    yield Bounds.COPY
    yield Bounds.KERNEL
    yield Bounds.KERNEL.replace("in a graph", "by itself")
    names = [f"{kind}{layer}" for layer in range(1, len(CLASSIC.layers()) + 1)
             for kind in ("Y", "dW", "dX")]
    for batch in work.BATCHES:
        for precision in work.PRECISIONS:
            for name in names:
                yield f"ceiling\t{name}\t{batch}\t{precision}\t8e7\t4e-6\t4e-6\t4e-6"


class WholePage(unittest.TestCase):
    def test_nothing_is_missing_and_every_table_is_whole(self):
        text = page(*recorded())
        self.assertNotIn("ot yet measured", text)
        self.assertEqual(re.findall("^### (.*)$", text, re.MULTILINE),
                         [f"`{name}`, {net.name}" for name, net in work.NETS.items()]
                         + ["Bounds", "The products of a step"])
        self.assertIn("6 of 6 passed or clean.", text)
        tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
        self.assertGreaterEqual(len(tables), 2 + 4 * len(work.NETS))
        for lines in tables:
            self.assertEqual(len({line.count(" | ") for line in lines}), 1, lines)

    def test_the_program_writes_it_from_files(self):
        with tempfile.TemporaryDirectory() as folder:
            lines = list(recorded())
            files = [pathlib.Path(folder, f"{part}.tsv") for part in ("tests", "times")]
            for path, part in zip(files, (lines[:9], lines[9:])):
                path.write_text("\n".join(part) + "\n", encoding="utf-8")
            target = pathlib.Path(folder, "results.md")
            target.write_text(f"a\n{report.BEGIN}\nold\n{report.END}\nb\n", encoding="utf-8")
            subprocess.run([sys.executable, root / "benchmarks/gpu/report.py", "--page", target,
                            *files], check=True)
            self.assertEqual(target.read_text(encoding="utf-8"),
                             f"a\n{report.BEGIN}\n{page(*lines).rstrip()}\n{report.END}\nb\n")


class Page(unittest.TestCase):
    def test_only_the_section_is_replaced(self):
        text = f"a\n{report.BEGIN}\nold\n{report.END}\nb\n"
        self.assertEqual(report.into(text, "new\n"), f"a\n{report.BEGIN}\nnew\n{report.END}\nb\n")

    def test_the_page_of_the_documentation_has_the_marks(self):
        self.assertEqual(report.PAGE.read_text(encoding="utf-8").count(report.BEGIN), 1)


if __name__ == "__main__":
    unittest.main()
