#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds and runs a program the three ways a user would: against an installed longhand through
pkg-config and through CMake, and with longhand as a Meson subproject. Through pkg-config it is built
a second time: a project of three files with LONGHAND_SEPARATE.

Usage: run.py MESON COMPILER...

Exit codes: 0 all ran, 77 the others ran but CMake is missing (Meson calls that a skip), 1 failed.
"""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
JOBS = "2"
# An installed header is no system header: it must be as quiet as the strictest of users wants it.
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Werror"]


def say(text):
    print(f"== {text}", flush=True)


def run(*command, env=None, ok=True):
    """Runs it; on failure (or, with ok=False, on success) says so and ends the test."""
    command = [str(word) for word in command]
    done = subprocess.run(command, env=env, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if (done.returncode == 0) != ok:
        print(done.stdout)
        sys.exit(f"{'failed' if ok else 'should have failed'}: {shlex.join(command)}")
    return done.stdout


class Consumer:
    def __init__(self, folder, meson, compiler):
        self.folder = folder
        self.meson = meson
        self.compiler = compiler
        self.prefix = folder / "prefix"
        self.program = ROOT / "examples" / "02_embed_a_vae.cpp"
        self.io_program = HERE / "io.cpp"
        self.environment = dict(os.environ, CXX=shlex.join(compiler))
        self.has_io = False

    def install(self):
        say("install")
        build = self.folder / "build"
        options = ["cli", "cuda"]
        run(self.meson, "setup", build, ROOT, f"--prefix={self.prefix}", "--buildtype=plain",
            *[f"-D{option}=disabled" for option in options], env=self.environment)
        run(self.meson, "compile", "-C", build, "-j", JOBS)
        run(self.meson, "install", "-C", build, "--no-rebuild")
        found = sorted(self.prefix.rglob("longhand-io.pc"))
        self.has_io = bool(found)
        folders = [self.prefix / "share" / "pkgconfig"] + [path.parent for path in found]
        self.environment["PKG_CONFIG_PATH"] = ":".join(map(str, folders))
        if found:
            self.environment["LD_LIBRARY_PATH"] = str(found[0].parents[1])

    def run_program(self, program):
        print(run(program, env=self.environment), end="", flush=True)

    def pkg_config(self):
        say("pkg-config")
        version = run("pkg-config", "--modversion", "longhand", env=self.environment).strip()
        targets = [("longhand", "program", ["-O1", self.program]),
                   ("longhand", "separate",
                    ["-O0", "-DLONGHAND_SEPARATE", *sorted((HERE / "separate").glob("*.cpp"))])]
        if self.has_io:
            targets.append(("longhand-io", "io_program", ["-O1", self.io_program]))
        for package, name, words in targets:
            # Between compiler and linker flags, as a Makefile would have it.
            flags = [run("pkg-config", option, package, env=self.environment).split()
                     for option in ("--cflags", "--libs")]
            # Eigen is not as quiet as that.
            flags[0] = [flag.replace("-I", "-isystem", 1) if "eigen" in flag else flag
                        for flag in flags[0]]
            program = self.folder / name
            run(*self.compiler, "-std=c++20", *STRICT, *flags[0], *words, "-o", program, *flags[1])
            self.run_program(program)
        return version

    def cmake(self, version):
        say("CMake")
        build = self.folder / "cmake"
        common = ["cmake", "-S", HERE, f"-DCMAKE_PREFIX_PATH={self.prefix}",
                  f"-DPROGRAM={self.program}"]
        configure = [*common, "-B", build, f"-DLONGHAND_VERSION={version}"]
        if self.has_io:
            configure.append(f"-DIO_PROGRAM={self.io_program}")
        run(*configure, env=self.environment)
        run("cmake", "--build", build, "-j", JOBS, env=self.environment)
        self.run_program(build / "program")
        if self.has_io:
            self.run_program(build / "io_program")
        # Before 1.0 another minor version is another interface: asking for it must be refused.
        major, minor, _ = version.split(".")
        run(*common, "-B", self.folder / "refused", ok=False,
            env=self.environment, *[f"-DLONGHAND_VERSION={major}.{int(minor) + 1}"])

    def cmake_subdirectory(self):
        say("CMake, add_subdirectory")
        project, build = self.folder / "cmake-project", self.folder / "cmake-subdirectory"
        project.mkdir()
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.16)\nproject(consumer CXX)\n"
            f'add_subdirectory("{ROOT}" longhand)\n'
            f'add_executable(program "{self.program}")\n'
            "target_link_libraries(program PRIVATE longhand::longhand)\n"
            f'add_executable(io_program EXCLUDE_FROM_ALL "{self.io_program}")\n'
            + ("target_link_libraries(io_program PRIVATE longhand::io)\n" if self.has_io else ""),
            encoding="utf-8")
        run("cmake", "-S", project, "-B", build, env=self.environment)
        run("cmake", "--build", build, "--target", "program", env=self.environment)
        self.run_program(build / "program")

    def subproject(self):
        say("Meson subproject")
        project = self.folder / "meson"
        (project / "subprojects").mkdir(parents=True)
        (project / "subprojects" / "longhand").symlink_to(ROOT, target_is_directory=True)
        (project / "subprojects" / "longhand.wrap").write_text(
            "[wrap-file]\ndirectory = longhand\n\n[provide]\n"
            "dependency_names = longhand, longhand-io\n", encoding="utf-8")
        for source in (self.program, self.io_program):
            shutil.copy(source, project)
        text = (HERE / "meson.build.in").read_text(encoding="utf-8")
        text = text.replace("@program@", self.program.name)
        text = text.replace("@io_program@", self.io_program.name if self.has_io else "")
        (project / "meson.build").write_text(text, encoding="utf-8")
        environment = dict(self.environment)
        environment.pop("PKG_CONFIG_PATH", None)  # the subproject, not what was just installed
        environment.pop("LD_LIBRARY_PATH", None)
        build = project / "build"
        run(self.meson, "setup", build, project, env=environment)
        run(self.meson, "compile", "-C", build, "-j", JOBS, env=environment)
        self.run_program(build / "program")
        if self.has_io:
            self.run_program(build / "io_program")


def main(meson, *compiler):
    with tempfile.TemporaryDirectory(prefix="longhand-consumer-") as folder:
        consumer = Consumer(pathlib.Path(folder), meson, list(compiler))
        consumer.install()
        version = consumer.pkg_config()
        consumer.subproject()
        if shutil.which("cmake") is None:
            say("CMake: skipped, there is no cmake on the PATH")
            return 77
        consumer.cmake(version)
        consumer.cmake_subdirectory()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
