#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The checker without the rest of longhand: gradcheck.hpp and its folder, copied into an empty
directory, and the one file that scripts/single-header makes of them, compile strictly with nothing
but the standard library, and check a gradient.

Usage: alone.py COMPILER...
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include" / "longhand"
SINGLE_HEADER = ROOT / "scripts" / "single-header"
PROGRAM = """
#include <longhand/gradcheck.hpp>

int main() {
  std::vector<double> a{0.5, -1.5};
  const auto check = [&](double factor) {
    return longhand::check_gradient(
        "square", {{"a", a}}, [&] { return a[0] * a[0] + a[1] * a[1]; },
        [&](longhand::TensorGradients& g) {
          for (std::size_t k = 0; k < 2; ++k) g["a"][k] = factor * a[k];
        });
  };
  return check(2).passed() && !check(2.002).passed() ? 0 : 1;
}
"""
STRICT = ["-std=c++20", "-Wall", "-Wextra", "-Wconversion", "-Wno-sign-conversion", "-Wshadow",
          "-Wno-restrict", "-Werror", "-Wno-unknown-warning-option"]


def compile_and_run(folder):
    (folder / "main.cpp").write_text(PROGRAM, encoding="utf-8")
    subprocess.run([*sys.argv[1:], *STRICT, f"-I{folder}", str(folder / "main.cpp"), "-o",
                    str(folder / "main")], check=True)
    subprocess.run([str(folder / "main")], check=True)


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    (folder / "longhand").mkdir()
    shutil.copy(INCLUDE / "gradcheck.hpp", folder / "longhand")
    shutil.copytree(INCLUDE / "gradcheck", folder / "longhand" / "gradcheck")
    compile_and_run(folder)

with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    (folder / "longhand").mkdir()
    one_file = subprocess.run([sys.executable, str(SINGLE_HEADER)], check=True,
                              stdout=subprocess.PIPE).stdout
    (folder / "longhand" / "gradcheck.hpp").write_bytes(one_file)
    compile_and_run(folder)
