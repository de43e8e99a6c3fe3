#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The installed program starts below any prefix: it says itself where its libraries are.

Usage: installed_test.py MESON BUILD BINDIR    (BINDIR with the prefix)
"""
import os
import pathlib
import subprocess
import sys
import tempfile


def main(meson, build, bindir):
    with tempfile.TemporaryDirectory(prefix="longhand-installed-") as root:
        environment = dict(os.environ, DESTDIR=root)
        environment.pop("LD_LIBRARY_PATH", None)
        subprocess.run([meson, "install", "-C", build, "--no-rebuild", "--quiet"], check=True,
                       env=environment, stdout=subprocess.DEVNULL)
        program = pathlib.Path(root) / pathlib.Path(bindir).relative_to("/") / "longhand"
        for arguments in (["--version"], ["gradcheck", "--layer", "latent"]):
            done = subprocess.run([program, *arguments], env=environment, capture_output=True,
                                  text=True, check=False)
            print(done.stdout, done.stderr)
            if done.returncode != 0:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
