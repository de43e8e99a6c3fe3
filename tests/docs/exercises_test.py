#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Judges a program of examples/exercises and its solution.

Fails unless

  - the program as it is handed out exits with 1, and the checker fails every exercise in it;
  - the solution exits with 0, and the checker passes every exercise in it;
  - the two sources differ only between the marks `// ---- yours ----` and `// ---- end ----`;
  - docs/exercises.md has a section for every exercise, and its table says of each wrong tensor what
    the checker says: | exercise | tensor | diagnosis |.

Usage: exercises_test.py EXERCISE.cpp SOLUTION.cpp EXERCISE SOLUTION
"""

import pathlib
import re
import subprocess
import sys

REPORT = re.compile(r"^(\w+) exercise (\d+), ", re.MULTILINE)
TENSOR = re.compile(r"^ (\w+)\s+\d+x\d+\s+\d+/\d+\s+(\w+)\s+(?:\S+\s+){6}(.*?)\s*$", re.MULTILINE)
YOURS = re.compile(r"// ---- yours ----\n.*?// ---- end ----", re.DOTALL)


def run(program, status):
    done = subprocess.run([program], capture_output=True, text=True)
    if done.returncode != status:
        sys.exit(f"{program} exits with {done.returncode} instead of {status}:\n"
                 f"{done.stdout}{done.stderr}")
    return done.stdout


def exercises(output):
    """{number: (verdict, {tensor: (verdict, diagnosis)})}"""
    parts = REPORT.split(output)[1:]
    return {number: (verdict, {name: rest for name, *rest in TENSOR.findall(text)})
            for verdict, number, text in zip(parts[::3], parts[1::3], parts[2::3])}


source, solved_source, program, solution = sys.argv[1:]
page = (pathlib.Path(__file__).resolve().parents[2] / "docs/exercises.md").read_text(encoding="utf-8")
texts = [pathlib.Path(name).read_text(encoding="utf-8") for name in (source, solved_source)]
handed_out, solved = exercises(run(program, 1)), exercises(run(solution, 0))
problems = []
if YOURS.sub("", texts[0]) != YOURS.sub("", texts[1]):
    problems.append(f"{source} and {solved_source} differ outside of the marks")
if not handed_out or list(handed_out) != list(solved) or any(
        len(YOURS.findall(text)) != len(solved) for text in texts):
    problems.append(f"exercises {list(handed_out)} and solutions {list(solved)}")
for number, (verdict, tensors) in handed_out.items():
    wrong = {(number, name, said) for name, (judged, said) in tensors.items() if judged != "PASS"}
    if verdict != "FAIL" or not wrong:
        problems.append(f"exercise {number} is {verdict} as it is handed out")
    rows = set(re.findall(rf"^\| ({number}) \| `(\w+)` \| (.*?) \|$", page, re.MULTILINE))
    if rows != wrong:
        problems.append(f"docs/exercises.md says {rows} of exercise {number}, the checker {wrong}")
    if not re.search(rf"^## {number}\. ", page, re.MULTILINE):
        problems.append(f"docs/exercises.md has no section for exercise {number}")
problems += [f"the solution of exercise {number} is {verdict}"
             for number, (verdict, _) in solved.items() if verdict != "PASS"]
for problem in problems:
    print(problem)
sys.exit(1 if problems else 0)
