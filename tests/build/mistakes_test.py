#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the compiler, the linker and the start of a program say of mistakes in building it.

Usage: mistakes_test.py LIBRARY COMPILER [ARGUMENTS...]
    LIBRARY: liblonghand-io.so, whose exports are looked at, or "" where it is not built
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY, COMPILER = sys.argv[1], sys.argv[2:]


def compiled(folder, name, text, *flags):
    """Compiles `text` without linking; the finished process, with what it said."""
    source = folder / (name + ".cpp")
    source.write_text(text)
    return subprocess.run(
        [*COMPILER, f"-I{ROOT}/include", "-isystem", EIGEN, *flags, "-c", str(source), "-o",
         str(folder / (name + ".o"))], capture_output=True, text=True, check=False)


def eigen_include():
    """The folder of Eigen's headers, from pkg-config."""
    flags = subprocess.run(["pkg-config", "--cflags-only-I", "eigen3"], capture_output=True,
                           text=True, check=True).stdout.split()
    return flags[0].removeprefix("-I")


EIGEN = eigen_include()
GNU = "clang" not in subprocess.run([*COMPILER, "--version"], capture_output=True, text=True,
                                    check=True).stdout
X86_64 = os.uname().machine == "x86_64"


class Mistakes(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="longhand-mistakes-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def test_older_language(self):
        for header in ("longhand/longhand.hpp", "longhand/infer.hpp", "longhand/gradcheck.hpp"):
            done = compiled(self.folder, "old", f"#include <{header}>\n", "-std=c++17",
                            "-fsyntax-only", "-fmax-errors=1" if GNU else "-ferror-limit=1")
            self.assertNotEqual(done.returncode, 0, header)
            self.assertIn("longhand needs C++20: compile with -std=c++20 or later", done.stderr)
            first = next(line for line in done.stderr.splitlines() if "error" in line)
            self.assertIn("needs C++20", first, header)

    @unittest.skipUnless(GNU and X86_64, "only g++ for x86-64 has this note")
    def test_note_without_march(self):
        text = "#include <longhand/core/eigen.hpp>\n"
        note = "with -march=native it is about 4 times as fast"
        plain = ["-std=c++20", "-march=x86-64", "-ULONGHAND_QUIET"]
        for flags, said in ((["-O2"], True), (["-O0"], False), (["-O2", "-DLONGHAND_QUIET"], False),
                            (["-O2", "-march=x86-64-v3"], False)):
            done = compiled(self.folder, "note", text, *plain, *flags)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(note in done.stderr, said, flags)

    def test_two_alignments_in_one_program(self):
        text = "#include <longhand/core/eigen.hpp>\n"
        parts = {"main": (text + "int main() { return 0; }\n", 16), "other": (text, 32),
                 "alike": (text, 16)}
        for name, (source, alignment) in parts.items():
            done = compiled(self.folder, name, source, "-std=c++20", "-DLONGHAND_QUIET",
                            f"-DEIGEN_MAX_STATIC_ALIGN_BYTES={alignment}")
            self.assertEqual(done.returncode, 0, done.stderr)
        for other, agrees in (("alike", True), ("other", False)):
            program = self.folder / ("with_" + other)
            subprocess.run([*COMPILER, str(self.folder / "main.o"), str(self.folder / f"{other}.o"),
                            "-o", str(program)], check=True)
            done = subprocess.run([program], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode == 0, agrees, done.stderr)
            self.assertEqual("compile all of them with the same -march" in done.stderr, not agrees)

    @unittest.skipUnless(LIBRARY, "longhand-io is not built")
    def test_exports(self):
        symbols = subprocess.run(["nm", "-D", "-C", "--defined-only", LIBRARY],
                                 capture_output=True, text=True, check=True).stdout
        names = [line.split(maxsplit=2)[2] for line in symbols.splitlines()]
        self.assertIn("longhand::io::read_idx", {name.split("(")[0] for name in names})
        ours = re.compile(r"^(.* )?longhand::io::|"
                          r"^(typeinfo|typeinfo name|vtable) for longhand::io::\w*Error$")
        self.assertEqual([name for name in names if not ours.match(name)], [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
