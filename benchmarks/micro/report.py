#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the micro-benchmarks in each build this processor can run, and prints a page: what each
primitive and formula costs, beside the machine's peaks, and how much the vectors of AVX2 and AVX-512
bring over those of SSE2. A formula whose ratio falls out of line has lost its vectorisation.

Usage: taskset -c 0 benchmarks/micro/report.py BUILD_FOLDER [--benchmark_filter=… and other options] \\
           > docs/micro_benchmarks.md

BUILD_FOLDER was configured with -Dbenchmarks=enabled and holds benchmarks/micro/micro_v*.
"""

import datetime
import json
import pathlib
import platform
import subprocess
import sys

LEVELS = {"1": "SSE2", "3": "AVX2", "4": "AVX-512"}
CANNOT_RUN = 77


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def figures(program, options):
    """Name -> counters; None where the processor cannot run the program."""
    done = subprocess.run([program, "--benchmark_format=json", *options], capture_output=True,
                          text=True, check=False)
    if done.returncode == CANNOT_RUN:
        print(done.stderr.strip(), file=sys.stderr)
        return None
    if done.returncode != 0:
        sys.exit(f"{program}: {done.stderr}")
    return {b["name"]: b for b in json.loads(done.stdout)["benchmarks"]}


HEAD = """# Primitives and formulas, one by one

*Written by `benchmarks/micro/report.py`; changes by hand are lost.*

```sh
meson setup build -Dbenchmarks=enabled && ninja -C build
taskset -c 0 benchmarks/micro/report.py build {options}> docs/micro_benchmarks.md
```

{processor}, one thread; {date}, commit {commit}.

The same sources compiled for x86-64 (SSE2), x86-64-v3 (AVX2) and x86-64-v4 (AVX-512), each over and
over on the same numbers. Sweeps in nanoseconds per element and, in parentheses, bytes read and
written per second; products in operations per second; *tile* is a sweep over part of a larger
matrix, as after a product. The last column is what the widest vectors bring: four times as many
lanes as SSE2 has, or less where memory or division sets the pace. A formula far below its neighbours
has lost its vectorisation.
"""


def commit():
    done = subprocess.run(["git", "-C", pathlib.Path(__file__).parent, "describe", "--always",
                           "--dirty"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def page(runs, about):
    """The page from name -> counters of each build, by the name of its vectors."""
    lines = [HEAD.format(**about), f"| | {' | '.join(runs)} | SSE2 / {list(runs)[-1]} |",
             f"|---|{'---:|' * (len(runs) + 1)}"]
    for name in next(iter(runs.values())):
        # Nanoseconds per value, else a rate; GB/s beside what is little but memory.
        unit = next(u for u in ("ns", "GFLOP/s", "GB/s")
                    if isinstance(runs["SSE2"][name].get(u), float))
        # Google Benchmark counts seconds per 1e9 values: a number of nanoseconds.
        values = [run[name][unit] for run in runs.values()]
        ratio = values[0] / values[-1] if unit == "ns" else values[-1] / values[0]
        cells = []
        for run, value in zip(runs.values(), values):
            bandwidth = f" ({run[name]['GB/s']:.0f} GB/s)" if unit == "ns" else ""
            cells.append(f"{value:.3g} {unit}{bandwidth}")
        lines.append(f"| {name.replace('|', '')} | {' | '.join(cells)} | {ratio:.1f} |")
    return "\n".join(lines)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1]) / "benchmarks" / "micro"
    options = sys.argv[2:]
    runs = {name: run for level, name in LEVELS.items()
            if (run := figures(folder / f"micro_v{level}", options)) is not None}
    print(page(runs, {"processor": processor(), "date": datetime.date.today().isoformat(),
                      "commit": commit(), "options": "".join(f"{o} " for o in options)}))


if __name__ == "__main__":
    main()
