#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that equations, code and tests point at each other.

An equation is defined on a page of docs/derivations by its tag in bold, **[KL-1]**. Code carries
the tag at the end of a line, or as `// [KL-1]` ... `// [/KL-1]` around several; a test carries it
in its name. This script fails, naming file and line, when

  - a tag is used (in include/, cuda/, examples/, tests' names or docs/) and no page defines it, or two do;
  - an equation has no code in include/ or no test, and its page does not list it on a line
    `Without code of its own: [KL-1], ...`; or a page lists one that has code;
  - a `// [KL-1]` on a line of its own is not closed by `// [/KL-1]`, or the reverse;
  - a relative link in a Markdown page leads nowhere.

Usage: tags_test.py [ROOT] | tags_test.py --self-test
"""

import pathlib
import re
import sys
import tempfile
import unittest

TAG = r"[A-Z][A-Z0-9]{1,7}-[0-9]+[a-z]?"
USE = re.compile(rf"\[({TAG})\]")
DEFINITION = re.compile(rf"\*\*\[({TAG})\]\*\*")
TAGS_ONLY = re.compile(rf"(?:\[/?{TAG}\][\s,]*)+")
OPEN_OR_CLOSE = re.compile(rf"\[(/?)({TAG})\]")
WITHOUT_CODE = re.compile(r"^\W*Without code of its own\W", re.IGNORECASE)
TEST_NAME = re.compile(
    r"\bTEST_CASE\w*\s*\(\s*(?:[\w:]+\s*,\s*)?((?:\"(?:\\.|[^\"\\\n])*\"\s*)+)")
LINK = re.compile(r"!?\[[^\[\]]*\]\(\s*<?([^()\s<>]+(?:\([^()\s]*\))?)>?(?:\s+\"[^\"]*\")?\s*\)")
LINK_DEFINITION = re.compile(r"^\s{0,3}\[[^\]]+\]:\s+<?(\S+?)>?\s*(?:\"[^\"]*\")?$")
HTML_LINK = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)=\"([^\"]+)\"")
CODE_SUFFIXES = {".hpp", ".cpp", ".h", ".cu", ".cuh", ".def", ".inc"}
TEST_SUFFIXES = {".cpp", ".hpp", ".cu", ".inc"}


def files_below(root, folder, suffixes):
    top = root / folder
    return sorted(p for p in top.rglob("*") if p.is_file() and p.suffix in suffixes)


class Checker:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.problems = []
        self.defined = {}          # tag: "file:line"
        self.without_code = {}  # tag: "file:line"
        self.in_code = set()       # tags on a code line of include/
        self.in_tests = set()

    def place(self, path, number):
        return f"{path.relative_to(self.root).as_posix()}:{number}"

    def problem(self, place, text):
        self.problems.append(f"{place}: {text}")

    def lines(self, path):
        return enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)

    def run(self):
        self.read_derivations()
        for folder in ("include", "cuda", "examples"):
            for path in files_below(self.root, folder, CODE_SUFFIXES):
                self.read_code(path, counts=folder == "include")
        for path in files_below(self.root, "tests", TEST_SUFFIXES):
            self.read_test(path)
        self.read_pages()
        self.compare()
        return sorted(self.problems, key=self.by_place)

    @staticmethod
    def by_place(problem):
        name, number, _ = problem.split(":", 2)
        return name, int(number)

    def used(self, tag, place):
        if tag not in self.defined:
            self.problem(place, f"[{tag}] is defined on no page of docs/derivations")

    def read_derivations(self):
        for path in files_below(self.root, "docs/derivations", {".md"}):
            for number, line in self.lines(path):
                place = self.place(path, number)
                if WITHOUT_CODE.match(line):
                    for tag in USE.findall(line):
                        self.without_code.setdefault(tag, place)
                    continue
                for tag in DEFINITION.findall(line):
                    if tag in self.defined:
                        self.problem(place, f"[{tag}] is defined already at {self.defined[tag]}")
                    else:
                        self.defined[tag] = place

    def read_code(self, path, counts):
        opened = {}      # by a line of its own; tag: (place, whether code followed)
        tagged = set()   # at the end of a code line, which may open a block: `for (...) {  // [KL-1]`
        for number, line in self.lines(path):
            place = self.place(path, number)
            code, slashes, comment = line.partition("//")
            code, comment = code.strip(), comment.strip()
            for tag in USE.findall(line):
                self.used(tag, place)
            if code:
                opened = {tag: (where, True) for tag, (where, _) in opened.items()}
                tagged.update(USE.findall(comment))
            alone = not code and slashes and TAGS_ONLY.fullmatch(comment)
            for slash, tag in OPEN_OR_CLOSE.findall(comment):
                if not slash:
                    if alone and tag in opened:
                        self.problem(place, f"[{tag}] is open already since {opened[tag][0]}")
                    if alone:
                        opened[tag] = (place, False)
                elif tag in opened:
                    where, has_code = opened.pop(tag)
                    if not has_code:
                        self.problem(where, f"[{tag}] and [/{tag}] have no code between them")
                    elif counts:
                        self.in_code.add(tag)
                elif not code or tag not in tagged:
                    self.problem(place, f"[/{tag}] closes a tag that is not open")
        if counts:
            self.in_code.update(tagged)
        for tag, (where, _) in opened.items():
            self.problem(where, f"[{tag}] on a line of its own is never closed by // [/{tag}] "
                         "(the tag of a single line stands at the end of that line)")

    def read_test(self, path):
        text = path.read_text(encoding="utf-8")
        for match in TEST_NAME.finditer(text):
            place = self.place(path, text.count("\n", 0, match.start()) + 1)
            for tag in USE.findall(match.group(1)):
                self.used(tag, place)
                self.in_tests.add(tag)

    def read_pages(self):
        pages = files_below(self.root, "docs", {".md"}) + files_below(self.root, "studies", {".md"})
        pages += sorted(self.root.glob("*.md"))
        for path in pages:
            fence = None
            display_math = False
            for number, line in self.lines(path):
                place = self.place(path, number)
                mark = re.match(r"\s*(```+|~~~+)", line)
                if mark and fence is None:
                    fence = mark.group(1)
                    continue
                if fence is not None:
                    if line.strip().startswith(fence):
                        fence = None
                    continue
                line = re.sub(r"(`+).*?\1", "", line)
                if "docs" in path.relative_to(self.root).parts[:1]:
                    for tag in USE.findall(line):
                        self.used(tag, place)
                # Mathematics may look like a link: E[x](y).
                if line.count("$$") % 2 == 1:
                    display_math = not display_math
                    continue
                if display_math:
                    continue
                line = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", "", line)
                targets = LINK.findall(line) + LINK_DEFINITION.findall(line)
                for target in targets + HTML_LINK.findall(line):
                    self.check_link(path, place, target)

    def check_link(self, path, place, target):
        name = target.split("#")[0]
        if not name or re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", target):
            return
        base = self.root if name.startswith("/") else path.parent
        if not (base / name.lstrip("/")).exists():
            self.problem(place, f"the link {target} leads to no file")

    def compare(self):
        for tag, place in sorted(self.defined.items()):
            if tag in self.without_code:
                continue
            if tag not in self.in_code:
                self.problem(place, f"[{tag}] has no code line in include/ (a tag counts at the end "
                             f"of a code line, or as // [{tag}] ... // [/{tag}] around several)")
            if tag not in self.in_tests:
                self.problem(place, f"[{tag}] has no test: no TEST_CASE in tests/ names it")
        for tag, place in sorted(self.without_code.items()):
            if tag not in self.defined:
                self.problem(place, f"[{tag}] is listed as without code of its own and defined nowhere")
            elif tag in self.in_code:
                self.problem(place, f"[{tag}] is listed as without code of its own, but include/ has it")


PAGE = """# KL
**[KL-1]** $y = E[x](z)$ and **[KL-2]** `[not a link](nowhere.md)`
**[KL-3]** [home](../../README.md#top), [web](https://example.org), [here](#kl)
$$
[f](g) + \\mathbb{E}[x](nowhere)
$$
**[KL-4]**

Without code of its own: [KL-4]
"""
CODE = """/// See [KL-1].
y = x;  // [KL-1]
// [KL-2], [KL-3]
z = y;
// [/KL-2]
w = z;  // why, not what
// [/KL-3]
"""
TEST = """TEST_CASE("kl: value [KL-1]") {}
TEST_CASE_TEMPLATE("kl: gradient "
                   "[KL-2][KL-3]", T, float, double) {}
"""


class SelfTest(unittest.TestCase):
    """Every rule is broken once, in a tree that is right otherwise."""

    def problems(self, page=PAGE, code=CODE, test=TEST, **more):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            tree = {"docs/derivations/kl.md": page, "include/kl.hpp": code, "tests/kl_test.cpp": test,
                    "README.md": "# x\n[page](docs/derivations/kl.md)\n"}
            tree.update({name.replace("__", "/").replace("_md", ".md").replace("_cu", ".cu"): text
                         for name, text in more.items()})
            for name, text in tree.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return Checker(root).run()

    def assert_one(self, problems, *parts):
        self.assertEqual(len(problems), 1, problems)
        for part in parts:
            self.assertIn(part, problems[0])

    def test_a_right_tree_passes(self):
        self.assertEqual(self.problems(), [])

    def test_unknown_tag_in_code(self):
        self.assert_one(self.problems(code=CODE + "a = b;  // [KL-9]\n"),
                        "include/kl.hpp:8:", "[KL-9] is defined on no page")

    def test_unknown_tag_in_a_docstring(self):
        self.assert_one(self.problems(code=CODE + "/// see [KL-9]\n"), "include/kl.hpp:8:", "[KL-9]")

    def test_unknown_tag_in_cuda(self):
        self.assert_one(self.problems(cuda__kl_cu="a = b;  // [KL-9]\n"), "cuda/kl.cu:1:", "[KL-9]")

    def test_unknown_tag_in_a_test_name(self):
        self.assert_one(self.problems(test=TEST + 'TEST_CASE("x [KL-9]") {}\n'),
                        "tests/kl_test.cpp:4:", "[KL-9]")

    def test_unknown_tag_in_prose(self):
        self.assert_one(self.problems(docs__notes_md="as in [KL-9]\n"), "docs/notes.md:1:", "[KL-9]")

    def test_defined_twice(self):
        self.assert_one(self.problems(docs__derivations__b_md="\n**[KL-1]** again\n"),
                        "docs/derivations/kl.md:2:", "[KL-1] is defined already at "
                        "docs/derivations/b.md:2")

    def test_equation_without_code(self):
        self.assert_one(self.problems(code=CODE.replace("y = x;  // [KL-1]", "y = x;")),
                        "docs/derivations/kl.md:2:", "[KL-1] has no code line")

    def test_code_in_cuda_only_is_not_enough(self):
        self.assert_one(self.problems(code=CODE.replace("y = x;  // [KL-1]", "y = x;"),
                                      cuda__kl_cu="y = x;  // [KL-1]\n"), "[KL-1] has no code line")

    def test_equation_without_test(self):
        self.assert_one(self.problems(test=TEST.replace("[KL-3]", "")),
                        "docs/derivations/kl.md:3:", "[KL-3] has no test")

    def test_tag_in_a_test_body_is_not_a_test(self):
        self.assert_one(self.problems(test=TEST.replace("[KL-3]", "") + "// [KL-3]\n"),
                        "[KL-3] has no test")

    def test_listed_as_without_code_but_in_code(self):
        self.assert_one(self.problems(code=CODE + "a = b;  // [KL-4]\n"),
                        "docs/derivations/kl.md:9:", "[KL-4] is listed as without code of its own")

    def test_listed_as_without_code_but_unknown(self):
        problems = self.problems(page=PAGE + "Without code of its own: [KL-8]\n")
        self.assertIn("docs/derivations/kl.md:10: [KL-8] is listed as without code of its own and defined "
                      "nowhere", problems)

    def test_range_never_closed(self):
        problems = self.problems(code=CODE.replace("// [/KL-3]\n", ""))
        self.assertEqual(len(problems), 2, problems)
        self.assertIn("include/kl.hpp:3: [KL-3] on a line of its own is never closed", problems[-1])

    def test_range_never_opened(self):
        self.assert_one(self.problems(code=CODE + "// [/KL-1]\n"), "include/kl.hpp:8:",
                        "[/KL-1] closes a tag that is not open")

    def test_range_opened_twice(self):
        self.assert_one(self.problems(code=CODE.replace("z = y;", "z = y;\n// [KL-2]\nz = z;")),
                        "include/kl.hpp:5:", "[KL-2] is open already")

    def test_range_without_code(self):
        problems = self.problems(code=CODE.replace("z = y;\n", ""))
        self.assertEqual(problems[-1], "include/kl.hpp:3: [KL-2] and [/KL-2] have no code between "
                         "them")

    def test_a_block_may_be_closed_at_its_brace(self):
        code = CODE.replace("y = x;  // [KL-1]", "for (;;) {  // [KL-1]\ny = x;\n}  // [/KL-1]")
        self.assertEqual(self.problems(code=code), [])

    def test_close_at_a_brace_without_open(self):
        self.assert_one(self.problems(code="}  // [/KL-1]\n" + CODE), "include/kl.hpp:1:",
                        "[/KL-1] closes a tag that is not open")

    def test_dead_link_in_docs(self):
        self.assert_one(self.problems(docs__a_md="x\n\n[gone](b.md#part)\n"), "docs/a.md:3:",
                        "b.md#part leads to no file")

    def test_dead_link_in_the_readme(self):
        self.assert_one(self.problems(README_md="![picture](docs/gone.png)\n"), "README.md:1:",
                        "docs/gone.png")

    def test_dead_html_link(self):
        self.assert_one(self.problems(docs__a_md='<img width="3" src="gone.svg">\n'), "gone.svg")

    def test_dead_reference_link(self):
        self.assert_one(self.problems(docs__a_md="[one]: gone.md\n"), "gone.md")

    def test_links_in_fences_are_text(self):
        self.assertEqual(self.problems(docs__a_md="```\n[a](gone.md) [KL-9]\n```\n"), [])


def main(arguments):
    if arguments == ["--self-test"]:
        unittest.main(argv=[sys.argv[0]])
    default = pathlib.Path(__file__).resolve().parents[2]
    checker = Checker(arguments[0] if arguments else default)
    problems = checker.run()
    for problem in problems:
        print(problem)
    print(f"{len(checker.defined)} equations, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
