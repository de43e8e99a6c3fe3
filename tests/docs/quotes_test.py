#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the code that Markdown pages quote with the files it is quoted from.

A fenced block whose first line names a file of the tree, ```cpp examples/01_dense_by_hand.cpp, must
contain lines of that file in their order. Indentation is free; a line `…` stands for lines left out,
and without one the lines must follow each other. Empty lines do not count.

Usage: quotes_test.py [ROOT] | quotes_test.py --self-test
"""

import pathlib
import re
import sys
import unittest

BLOCK = re.compile(r"^```\w+ (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def lines_of(text):
    return [line.strip() for line in text.split("\n") if line.strip()]


def missing(quote, text):
    """The first piece of the quotation that is not in the text, or None."""
    file, start = lines_of(text), 0
    for piece in re.split(r"^\s*…\s*$", quote, flags=re.MULTILINE):
        lines = lines_of(piece)
        places = (k for k in range(start, len(file) - len(lines) + 1)
                  if file[k:k + len(lines)] == lines)
        place = next(places, None)
        if place is None:
            return lines
        start = place + len(lines)
    return None


def problems_of(root, page):
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        where = f"{page.relative_to(root).as_posix()}:{text.count(chr(10), 0, match.start()) + 1}"
        source = root / match.group(1)
        if not source.is_file():
            yield f"{where}: there is no file {match.group(1)}"
            continue
        lines = missing(match.group(2), source.read_text(encoding="utf-8"))
        if lines is not None:
            yield f"{where}: {match.group(1)} does not contain, one after the other:\n  " + "\n  ".join(lines)


class SelfTest(unittest.TestCase):
    TEXT = "a;\n  b;\n\nc;\nd;\n"

    def test_right(self):
        for quote in ("a;\nb;\n", "  b;\n c;", "a;\n…\nd;", "b;\n  …\nc;"):
            self.assertIsNone(missing(quote, self.TEXT), quote)

    def test_wrong(self):
        for quote, part in (("a;\nc;", ["a;", "c;"]), ("d;\n…\na;", ["a;"]), ("x;", ["x;"]),
                            ("b; ;", ["b; ;"])):
            self.assertEqual(missing(quote, self.TEXT), part)


def main(arguments):
    if arguments == ["--self-test"]:
        unittest.main(argv=[sys.argv[0]])
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).resolve().parents[2])
    pages = sorted((root / "docs").rglob("*.md")) + sorted(root.glob("*.md"))
    problems = [problem for page in pages for problem in problems_of(root, page)]
    for problem in problems:
        print(problem)
    count = sum(len(BLOCK.findall(page.read_text(encoding="utf-8"))) for page in pages)
    print(f"{count} quotations, {len(problems)} problems")
    return 1 if problems or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
