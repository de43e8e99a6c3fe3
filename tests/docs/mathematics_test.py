#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
r"""Finds formulas in the Markdown pages that GitHub changes before they are typeset.

GitHub reads a page as Markdown first and hands what is left between the dollars to MathJax. This
script fails, naming file and line, when a formula $...$ or $$...$$ contains what Markdown takes:

  - a backslash before punctuation: `\,` becomes a comma, `\{` a brace that groups, `\%` the
    beginning of a comment, `\\` a single backslash. Write `\enspace` or nothing, `\lbrace`,
    `\rbrace`, a number in per cent outside of the formula, and `\cr`;
  - a `*` or `_` that opens or closes emphasis together with another one of the paragraph. Write
    `\ast`, and a space before the `_` that closes;
  - `<` before a letter, which begins an HTML tag: write `\lt`; `~`, which strikes text out;
    `](`, which makes a link; and, in a row of a table, `|`, which ends the cell: write `\lvert`;
  - a dollar beside a letter or a digit on its outer side, which is then no delimiter;
  - in a formula of several lines, a line that begins like a heading, a list or a quotation.

The forms $`...`$ and ```math are safe and are not looked at.

Usage: mathematics_test.py [ROOT] | mathematics_test.py --self-test
"""

import pathlib
import re
import sys
import unittest

PUNCTUATION = set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
FENCE = re.compile(r"\s*(?:>\s*)*(```+|~~~+)")
BLOCK_START = re.compile(r"\s*(?:[-*+]\s|\d+[.)]\s|#{1,6}\s|>)")
TABLE_ROW = re.compile(r"\s*\|")
TOKEN = re.compile(r"\$`[^`]*`\$|(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)|\$\$(?P<display>.+?)\$\$|"
                   r"(?<!\\)\$(?P<inline>[^$\s](?:[^$]*?[^$\s\\])?)\$", re.DOTALL)


def paragraphs(text):
    """Yields (first line, text) of every stretch that Markdown reads as one: no fences."""
    fence, start, lines, display = None, 1, [], False
    for number, line in enumerate(text.split("\n") + [""], start=1):
        mark = FENCE.match(line)
        fenced = fence is not None or (mark is not None and not display)
        if fence is None and mark and not display:
            fence = mark.group(1)
        elif fence is not None and line.strip().startswith(fence):
            fence = None
        ends = fenced or not line.strip() or (
            not display and (BLOCK_START.match(line) or TABLE_ROW.match(line)))
        if ends and lines:
            yield start, "\n".join(lines)
            lines, display = [], False
        if not fenced and line.strip():
            if not lines:
                start = number
            lines.append(line)
            display ^= line.count("$$") % 2 == 1


def cells(text):
    """A row of a table is read cell by cell; anything else as a whole. Yields (offset, text)."""
    if not TABLE_ROW.match(text):
        yield 0, text
        return
    start = 0
    for match in re.finditer(r"(?<!\\)\||$", text):
        yield start, text[start:match.start()]
        start = match.end()


def emphasis(text, skipped):
    """The pairs (opener, closer) of `*` and `_` that CommonMark turns into emphasis."""
    runs, pairs, position = [], [], 0
    while position < len(text):
        if position in skipped:
            position += 1
            continue
        if text[position] == "\\" and text[position + 1:position + 2] in PUNCTUATION:
            position += 2
            continue
        if text[position] not in "*_":
            position += 1
            continue
        mark, end = text[position], position
        while end < len(text) and text[end] == mark and end not in skipped:
            end += 1
        before, after = text[position - 1:position] or " ", text[end:end + 1] or " "
        space_before, space_after = before.isspace(), after.isspace()
        point_before, point_after = before in PUNCTUATION, after in PUNCTUATION
        left = not space_after and (not point_after or space_before or point_before)
        right = not space_before and (not point_before or space_after or point_after)
        opens = left and (mark == "*" or not right or point_before)
        closes = right and (mark == "*" or not left or point_after)
        run = {"mark": mark, "at": position, "left": end - position, "length": end - position,
               "opens": opens, "closes": closes}
        while closes and run["left"]:
            for index in range(len(runs) - 1, -1, -1):
                other = runs[index]
                three = ((other["closes"] or opens)
                         and (other["length"] + run["length"]) % 3 == 0
                         and not (other["length"] % 3 == 0 and run["length"] % 3 == 0))
                if other["mark"] == mark and other["opens"] and other["left"] and not three:
                    break
            else:
                break
            used = 2 if other["left"] >= 2 and run["left"] >= 2 else 1
            pairs.append((other["at"], position))
            other["left"] -= used
            run["left"] -= used
            del runs[index + 1:]
        if opens and run["left"]:
            runs.append(run)
        position = end
    return pairs


def problems_of(text):
    """Yields (line, problem) for the text of one page."""
    for first, paragraph in paragraphs(text):
        table = TABLE_ROW.match(paragraph) is not None
        formulas, skipped = [], set()
        for match in TOKEN.finditer(paragraph):
            kind = "display" if match.group("display") else "inline" if match.group("inline") else None
            if kind is None:
                skipped.update(range(match.start(), match.end()))
            else:
                formulas.append((match.start(kind), match.end(kind), kind))

        def line_of(position):
            return first + paragraph.count("\n", 0, position)

        for begin, end, kind in formulas:
            formula = paragraph[begin:end]
            short = formula if len(formula) <= 60 else formula[:57] + "..."
            short = short.replace("\n", " ")
            for match in re.finditer(r"\\(.)", formula):
                if match.group(1) in PUNCTUATION:
                    yield (line_of(begin + match.start()),
                           f"Markdown takes the backslash of {match.group(0)} in {short}")
            for pattern, what in ((r"<[A-Za-z/!?]", "begins an HTML tag, write \\lt"),
                                  (r"~", "strikes out"), (r"\]\(", "makes a link")):
                for match in re.finditer(pattern, formula):
                    yield line_of(begin + match.start()), f"{match.group(0)} {what} in {short}"
            if table and "|" in formula:
                yield line_of(begin), f"| ends the cell of the table in {short}, write \\lvert"
            width = 2 if kind == "display" else 1
            outside = paragraph[begin - width - 1:begin - width], paragraph[end + width:end + width + 1]
            if kind == "inline" and any(character.isalnum() for character in outside):
                yield line_of(begin), f"a letter or digit touches the dollar of {short}"
            for offset, line in enumerate(formula.split("\n")[1:], start=1):
                if BLOCK_START.match(line):
                    yield line_of(begin) + offset, f"the line begins a new block in {short}"

        for offset, cell in cells(paragraph):
            inside = {position - offset for position in skipped}
            for opener, closer in emphasis(cell, inside):
                for position in (opener + offset, closer + offset):
                    for begin, end, _ in formulas:
                        if begin <= position < end:
                            yield (line_of(position),
                                   f"{paragraph[position]} is taken as emphasis, at "
                                   f"{paragraph[max(begin, position - 12):position + 12]!r}")


def pages(root):
    for top in (root / "docs", root / "studies"):
        yield from sorted(top.rglob("*.md"))
    yield from sorted(root.glob("*.md"))


BAD = {
    r"$a \, b$": r"\,", r"$\{0, 1\}$": r"\{", r"$5\%$": r"\%", r"$$a \\ b$$": r"\\",
    r"text $x\_i$": r"\_", r"$$a\!b$$": r"\!", r"$u\;v$": r"\;",
    r"$z^*$ and $y^*$": "* is taken", r"$\bar{x}_q$ and $y_{i}$": "_ is taken",
    r"| $(a)_q + b_{i}$ |": "_ is taken", r"$a<b$": "HTML tag", r"$E[x](y)$": "link",
    r"| $|x|$ |": "ends the cell", r"the 2$x$ are": "touches", r"$x$s": "touches",
    "$$\na\n+ b\n$$": "new block", "$a\n\\, b$": r"\,", "- $a \\, b$\n- c": r"\,",
}
GOOD = [
    r"$a\ b \enspace \lbrace 0, 1 \rbrace \lvert x \rvert$", r"$$\begin{pmatrix} 1 \cr 2 \end{pmatrix}$$",
    r"$`a \, b`$ and `$c \, d$`", "```math\na \\, b \\\\ c\n```", "```text\n$x\\,y$\n```",
    r"$x_i$ and $y_{ij}$ and $\mathrm E_q$ and $z_{t-1}$ and $a_k$",
    r"$\bar{x}_q$ and $y _{i}$", r"| $(a)_q$ | $b_{i}$ |", r"$z^\ast$ *stressed* $y^\ast$",
    r"$a \lt b$, $a < b$", r"| $\lvert x \rvert$ |", "$x$-axis", r"costs \$5, not \$6 \, more",
    "$$\na\n{} + b\n$$", "_stressed_ $x_1$",
]


class SelfTest(unittest.TestCase):
    def test_bad(self):
        for sample, part in BAD.items():
            found = [text for _, text in problems_of(sample)]
            self.assertTrue(any(part in text for text in found), (sample, found))

    def test_good(self):
        for sample in GOOD:
            self.assertEqual(list(problems_of(sample)), [], sample)

    def test_lines(self):
        page = "# T\n\n```\n$a\\,b$\n```\n\none $x$\ntwo $y\\,$ and\n\n| $a$ |\n|---|\n| $b\\;$ |\n"
        self.assertEqual([line for line, _ in problems_of(page)], [8, 12])


def main(arguments):
    if arguments == ["--self-test"]:
        unittest.main(argv=[sys.argv[0]])
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).resolve().parents[2])
    count = 0
    for page in pages(root):
        for line, problem in problems_of(page.read_text(encoding="utf-8")):
            print(f"{page.relative_to(root).as_posix()}:{line}: {problem}")
            count += 1
    print(f"{count} formulas that GitHub would change")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
