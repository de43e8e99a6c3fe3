#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No gradient test has a tolerance to tune: no numeric literal bounds an error in a test that
checks gradients, and none is an option of the checker.

Looked for are small numbers (1e-7, 0.001f, 0x1p-20) in every test case whose name speaks of a
gradient or a derivative, and in every file that calls a check_…; comparisons of values with worked
numbers stand in test cases of their own. Usage: tolerances.py [--self-test]
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASE = re.compile(r"^TEST_CASE(?:_TEMPLATE)?\((.*?)^}", re.M | re.S)
NAME = re.compile(r"gradient|derivative|backward|by differences", re.I)
CHECKS = re.compile(r"\bcheck_(?:gradient|part|layer|latent|likelihood|model|"
                    r"formula)\b")
SMALL = re.compile(r"(?:[<>]=?[^,;{}<>]*|epsilon\()(?<![\w.])"
                   r"(\d+(?:\.\d*)?e-\d+|0\.0\d*|0x1p-\d+)(?:f|L)?(?![\w.])", re.I)
OPTION = re.compile(r"\b\w*(?:toler|atol|rtol)\w*\b\s*(?:=|;)", re.I)


def tolerances(text):
    """(line, literal) of every small number that an error is compared with."""
    found = []
    for case in CASE.finditer(text):
        head = case.group(1)[:300].split("{")[0]
        if not NAME.search(head) and not CHECKS.search(case.group(0)):
            continue
        for number, line in enumerate(case.group(0).splitlines()):
            code = re.sub(r'"(?:[^"\\]|\\.)*"|//.*', "", line)
            for literal in SMALL.finditer(code):
                found.append((text[:case.start()].count("\n") + number + 1, literal.group(1)))
    return found


def self_test():
    right = 'TEST_CASE("dense: gradient by differences") {\n  check_layer("d", make);\n}\n'
    assert not tolerances(right)
    value = 'TEST_CASE("dense: worked numbers") {\n  CHECK(std::abs(a - b) <= 1e-14);\n}\n'
    assert not tolerances(value)
    for tuned in ("CHECK(std::abs(a - n) <= 1e-5);", "CHECK(error < 0.001);",
                  "CHECK(a == doctest::Approx(n).epsilon(1e-6));", "CHECK(!(gap > 0x1p-20));"):
        assert tolerances(right.replace('check_layer("d", make);', tuned)), tuned
        assert tolerances(f'TEST_CASE("dense") {{\n  check_gradient(x);\n  {tuned}\n}}\n'), tuned
    assert OPTION.search("double tolerance = 1e-5;") and OPTION.search("double atol;")
    print("self-test: ok")


def main():
    wrong = []
    tests = ROOT / "tests"
    # tests/gradcheck checks the checker itself: how fine it is, in numbers.
    for path in sorted([*tests.rglob("*_test.cpp"), *(ROOT / "examples").glob("*.cpp")]):
        if path.parent.name == "gradcheck":
            continue
        for line, literal in tolerances(path.read_text(encoding="utf-8")):
            wrong.append(f"{path.relative_to(ROOT)}:{line}: {literal}")
    for path in sorted((ROOT / "include" / "longhand" / "gradcheck").rglob("*.hpp")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            code = line.split("//")[0]
            if OPTION.search(code):
                wrong.append(f"{path.relative_to(ROOT)}:{number}: {code.strip()}")
    for line in wrong:
        print(f"a tolerance in a gradient check: {line}")
    sys.exit(1 if wrong else 0)


if sys.argv[1:] == ["--self-test"]:
    self_test()
else:
    main()
