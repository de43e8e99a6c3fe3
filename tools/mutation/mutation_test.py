#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Changes every line of mathematics in the headers, one small change at a time, and checks that a
test fails (docs/mutation.md).

All mutants are compiled into the test programs at once and chosen at run time. A first run of every
program records which test case reaches which mutant and what it costs; each mutant then meets the
test cases that reach it, the cheap ones first, until one fails.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import resource
import shlex
import shutil
import subprocess
import sys
import threading
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import mutants as finder  # noqa: E402

CHEAP = 0.05     # seconds; dearer test cases run in a process of their own,
DEAREST = 4.0    # and still dearer ones not at all: the error of a line shows in a small test
MEMORY = 8 << 30  # bytes of addresses a test program may use (the tests' fake device reserves 4 GiB)


def environment(**more):
    return {**os.environ, "OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": "1", **more}


def run(command, **more):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **more)
    if done.returncode != 0:
        raise SystemExit(f"{done.stdout}\n{shlex.join(map(str, command))} failed.")
    return done.stdout


def write_if_changed(path, content):
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


class Programs:
    """The test programs, with all mutants inside."""

    def __init__(self, root, build, settings, found, jobs):
        self.root, self.build, self.settings, self.jobs = root, build, settings, jobs
        self.source, self.objects = build / "source", build / "objects"
        self.copy(found)
        self.compile()

    def copy(self, found):
        """The project, with mutated headers and the listener in the tests' main.cpp."""
        new = {path.relative_to(self.root): text for path, text in found.rewritten().items()}
        new[pathlib.Path("include/longhand/mutation.hpp")] = (HERE / "runtime.hpp").read_bytes()
        main = pathlib.Path("tests/main.cpp")
        new[main] = (self.root / main).read_bytes() + (HERE / "listener.hpp").read_bytes()
        for path in self.files():
            if path not in new and (self.root / path).is_file():
                new[path] = (self.root / path).read_bytes()
        for path, content in new.items():
            write_if_changed(self.source / path, content)
        for path in self.source.rglob("*"):
            if path.is_file() and path.relative_to(self.source) not in new:
                path.unlink()

    def files(self):
        """The project's, below its root: git's, or all but builds where there is no git."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            text=True, capture_output=True, cwd=self.root, check=False)
        if listed.returncode == 0:
            return [pathlib.Path(name) for name in listed.stdout.split("\0") if name]
        below = (path.relative_to(self.root) for path in self.root.rglob("*"))
        return [path for path in below if not path.parts[0].startswith((".", "build"))]

    def compile(self):
        if not (self.objects / "build.ninja").exists():
            run(["meson", "setup", self.objects, self.source, "--wrap-mode=nodownload",
                 "-Doptimization=1", "-Ddebug=false", "-Db_ndebug=false", "-Dwerror=false",
                 "-Dwarning_level=0", *self.settings.get("meson_options", [])])
        run(["ninja", "-C", self.objects, "build.ninja"])
        targets = json.loads(run(["meson", "introspect", "--targets", self.objects]))
        wanted = tuple(f"test_{folder}_" for folder in self.settings["tests"])
        self.paths = {t["name"]: t["filename"][0] for t in targets
                      if t["type"] == "executable" and t["name"].startswith(wanted)}
        run(["ninja", "-C", self.objects, "-j", str(self.jobs),
             *(str(pathlib.Path(p).relative_to(self.objects)) for p in self.paths.values())])

    def reached(self, pool):
        """[(program, test case, seconds, mutants)]; the original code passes all tests."""
        def record(item):
            name, path = item
            file = self.build / "reached" / f"{name}.jsonl"
            file.parent.mkdir(exist_ok=True)
            file.unlink(missing_ok=True)
            run([path, "--no-intro", "--minimal"], env=environment(
                LONGHAND_MUTANT="-1", LONGHAND_MUTATION_REACHED=str(file)))
            lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
            return [(name, c["name"], c["seconds"], c["reached"]) for c in map(json.loads, lines)]
        return [case for cases in pool.map(record, self.paths.items()) for case in cases]


@dataclasses.dataclass
class Batch:
    """Test cases of one program that run in one process."""
    program: str
    cases: list
    seconds: float
    near: bool  # of the folder the mutant is in


@dataclasses.dataclass
class Outcome:
    state: str       # "killed", "survived" or "unreached"
    by: str = ""     # the program and test case that failed, or "crash", "timeout"


class Trial:
    """Runs mutants against the test cases that reach them."""

    def __init__(self, programs, cases):
        self.programs = programs
        self.reaching = collections.defaultdict(list)
        for program, case, seconds, numbers in cases:
            for number in numbers if seconds <= DEAREST else []:
                self.reaching[number].append((program, case, seconds))

    def batches(self, mutant):
        groups = {}
        for program, case, seconds in self.reaching[mutant.number]:
            key = (program, "" if seconds < CHEAP else case)
            near = program.startswith(f"test_{mutant.file.split('/')[0]}_")
            batch = groups.setdefault(key, Batch(program, [], 0.01, near))
            batch.cases.append(case)
            batch.seconds += seconds
        return sorted(groups.values(), key=lambda b: b.seconds * (1 if b.near else 3))

    def control(self, pool):
        """Nothing but a mutant may make a test fail: under the same limits all of them pass."""
        original = finder.Mutant(0, "", 0, "", "", "", "", "", [])
        cases = collections.defaultdict(lambda: Batch("", [], 0, False))
        for reaching in self.reaching.values():
            for program, case, seconds in reaching:
                batch = cases[program, case]
                batch.program, batch.cases, batch.seconds = program, [case], seconds
        for by in pool.map(lambda batch: self.fails(original, batch), cases.values()):
            if by:
                raise SystemExit(f"The original code fails: {by}")

    def run(self, mutant):
        batches = self.batches(mutant)
        for batch in batches:
            by = self.fails(mutant, batch)
            if by:
                return Outcome("killed", by)
        return Outcome("survived" if batches else "unreached")

    def fails(self, mutant, batch):
        names = ",".join(re.sub(r"([\\,])", r"\\\1", case) for case in batch.cases)
        seconds = int(20 * batch.seconds) + 5

        def limits():
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        command = [self.programs.paths[batch.program], "--no-intro", "--no-skipped-summary",
                   "--abort-after=1", f"--test-case={names}"]
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  env=environment(LONGHAND_MUTANT=str(mutant.number)),
                                  preexec_fn=limits, timeout=20 * seconds, check=False)
        except subprocess.TimeoutExpired:
            return f"{batch.program}: timeout"
        if done.returncode == 0:
            return ""
        case = re.search(rb"^TEST CASE: *(.*)", done.stdout, re.MULTILINE)
        what = case.group(1).decode(errors="replace").strip() if case else "crash"
        return f"{batch.program}: {what}"


class Equivalents:
    """The committed list of mutants that no test can tell from the original, with reasons. A change
    listed once explains one survivor."""

    def __init__(self, path):
        entries = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self.reasons = collections.defaultdict(list)  # (file, function, code, change): [reason]
        for entry in entries.get("equivalent", []):
            for change in entry["changes"]:
                key = (entry["file"], entry["function"], entry["code"], change)
                self.reasons[key].append(entry["reason"])

    def take(self, mutant):
        """Why this mutant may survive; None if nothing says so."""
        reasons = self.reasons[mutant.file, mutant.function, mutant.code, mutant.change]
        return reasons.pop() if reasons else None

    def left(self):
        return [key for key, reasons in self.reasons.items() if reasons]


def shown(mutant):
    return f"{mutant.file}:{mutant.line}  {mutant.function}  {mutant.change}"


def table(rows):
    """Markdown: a line per folder, then the sums; columns per group."""
    lines = ["| folder | group | mutants | killed | equivalent | survivors | score |",
             "|---|---|---:|---:|---:|---:|---:|"]
    for (folder, group), counts in rows:
        total = sum(counts.values())
        killed, same = counts["killed"], counts["equivalent"]
        score = 100 * killed / (total - same) if total > same else 100
        lines.append(f"| {folder} | {group} | {total} | {killed} | {same} | "
                     f"{total - killed - same} | {score:.1f}% |")
    return "\n".join(lines)


def report(results, equivalents):
    """results: [(mutant, Outcome)] -> Markdown, and the survivors that nothing explains."""
    counts = collections.defaultdict(collections.Counter)
    survivors = []
    for mutant, outcome in results:
        state = outcome.state
        if state != "killed":
            state = "equivalent" if equivalents.take(mutant) else "survived"
        if state == "survived":
            survivors.append((mutant, outcome))
        for folder in (mutant.file.split("/")[0], "**all**"):
            counts[folder, mutant.group][state] += 1
    rows = sorted(counts.items(), key=lambda item: (item[0][1], item[0][0].startswith("*"),
                                                    item[0][0]))
    text = [table(rows), ""]
    if survivors:
        text += ["Survivors:", ""]
        text += [f"- {shown(m)}{'  (no test reaches it)' if o.state == 'unreached' else ''}"
                 for m, o in survivors] + [""]
    return "\n".join(text), survivors


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the mutants and run nothing")
    parser.add_argument("--only", metavar="FILE", action="append", default=[],
                        help="only files whose path contains FILE, for example math/gaussian_kl")
    parser.add_argument("--group", choices=["gradient", "value"],
                        help="only backward lines, or only the others")
    parser.add_argument("--survivors", action="store_true",
                        help="only those that survived last time")
    parser.add_argument("-j", "--jobs", type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument("--root", type=pathlib.Path, default=HERE.parents[1],
                        help="the project; default: this one")
    parser.add_argument("--build", type=pathlib.Path, help="default: build/mutation below the root")
    return parser.parse_args()


def cpu_minutes():
    return sum(resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime
               for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 60


def main():
    options = arguments()
    root = options.root.resolve()
    build = (options.build or root / "build" / "mutation").resolve()
    settings = tomllib.loads((root / "tools/mutation/settings.toml").read_text(encoding="utf-8"))
    eigen = shlex.split(subprocess.run(["pkg-config", "--cflags", "eigen3"], text=True,
                                       capture_output=True, check=False).stdout)
    found = finder.Finder(root / "include", settings["folders"], settings, eigen)

    result_file = build / "result.json"
    chosen = [m for m in found.mutants
              if (not options.only or any(part in m.file for part in options.only))
              and options.group in (None, m.group)]
    if options.survivors:
        last = json.loads(result_file.read_text(encoding="utf-8"))
        alive = {(r["file"], r["line"], r["change"]) for r in last["mutants"]
                 if r["state"] != "killed"}
        chosen = [m for m in chosen if (m.file, m.line, m.change) in alive]
    if options.list:
        for mutant in chosen:
            print(f"{mutant.number:5} {mutant.group:8} {shown(mutant)}")
        return 0

    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        programs = Programs(root, build, settings, found, options.jobs)
        compiled = cpu_minutes()
        trial = Trial(programs, programs.reached(pool))
        trial.control(pool)
        done, lock = [0], threading.Lock()

        def one(mutant):
            outcome = trial.run(mutant)
            with lock:
                done[0] += 1
                if sys.stderr.isatty() or done[0] % 500 == 0:
                    print(f"\r{done[0]} of {len(chosen)}", end="", file=sys.stderr, flush=True)
            return mutant, outcome
        results = list(pool.map(one, chosen))
    print(file=sys.stderr)

    equivalents = Equivalents(root / "tools/mutation/equivalents.toml")
    text, survivors = report(results, equivalents)
    complete = len(chosen) == len(found.mutants)
    stale = equivalents.left() if complete else []
    minutes = (time.monotonic() - start) / 60
    text += (f"{len(results)} mutants; CPU minutes: {compiled:.1f} to compile, "
             f"{cpu_minutes() - compiled:.1f} to run; {minutes:.1f} minutes with {options.jobs} at "
             "a time.\n")
    for key in stale:
        text += "Listed as equivalent, but no such mutant survives: " + "  ".join(key) + "\n"
    print(text)
    build.mkdir(parents=True, exist_ok=True)
    (build / "result.md").write_text(text, encoding="utf-8")
    result_file.write_text(json.dumps({
        "complete": complete,
        "mutants": [{**dataclasses.asdict(m), "change": m.change, "state": o.state, "by": o.by}
                    for m, o in results]}, indent=1), encoding="utf-8")
    return 1 if survivors or stale else 0


if __name__ == "__main__":
    sys.exit(main())
