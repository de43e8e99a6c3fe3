#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compile time is a feature, and most of it goes into vector loops over formulas. Time cannot be
asserted, symbols can: this counts the loops that the README's program makes a compiler generate.

Usage: loops.py NM LIBRARY             (the program, compiled without optimisation)
       loops.py NM LIBRARY separate    (the program with LONGHAND_SEPARATE, optimised: no loop is left)
"""

import collections
import re
import subprocess
import sys

# Whoever needs another loop lowers the number elsewhere, or says here why it grew.
BUDGET = 75
# The templates that hold a formula's loop (backend/sweep.hpp, backend/gather.hpp). What merely moves
# numbers (sweep_packed) is compiled once for all formulas, and does not count.
TEMPLATES = ["sweep", "sum_down", "sum_down_few_rows", "sum_across", "gather_column"]
LOOP = re.compile(r" [TtWw] _ZN8longhand6detail(?:"
                  + "|".join(f"{len(name)}({name})" for name in TEMPLATES) + r")I[^.]*$")


def loops(lines):
    """Template -> number of its instances, each counted once."""
    matches = (LOOP.search(line) for line in set(lines))
    return collections.Counter(next(filter(None, match.groups())) for match in matches if match)


def main():
    symbols = subprocess.run([sys.argv[1], sys.argv[2]], check=True, capture_output=True,
                             text=True).stdout.splitlines()
    # Without the addresses, so that equal symbols of two objects are one.
    found = loops(re.sub(r"^[0-9a-f]*", "", line) for line in symbols)
    total = sum(found.values())
    separate = sys.argv[3:] == ["separate"]
    most = 0 if separate else BUDGET
    print(*(f"{name}: {found[name]}" for name in TEMPLATES), f"all: {total}, at most {most}",
          sep="\n")
    # A name that changed would be counted as none.
    known = separate or all(found[name] for name in TEMPLATES)
    sys.exit(0 if total <= most and known else 1)


main()
