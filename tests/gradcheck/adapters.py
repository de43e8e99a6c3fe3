#!/ usr / bin / env python3
#SPDX - License - Identifier : MIT
"""A test framework's adapter: a right gradient passes, a wrong one fails and shows its report.

Usage: adapters.py PROGRAM FILTER   (FILTER has {} where the test's name goes)
"""

import subprocess
import sys


def run(program, which):
    done = subprocess.run([program, which], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, " ".join(done.stdout.split())  # a framework may wrap lines


program, pattern = sys.argv[1:]
code, said = run(program, pattern.format("right"))
assert code == 0, said
code, said = run(program, pattern.format("wrong"))
assert code != 0, said
for words in ("FAIL cube", "ratio 2 constant", "factor 2 too many"):
    assert words in said, said
