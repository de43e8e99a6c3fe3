# SPDX-License-Identifier: MIT
"""What the figures were measured on."""
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import shlex
import subprocess
import time

PEERS = ["numpy", "torch", "jax", "onnxruntime"]


def cores():
    """One processor number per physical core that this process may use."""
    chosen, seen = [], set()
    for cpu in sorted(os.sched_getaffinity(0)):
        siblings = pathlib.Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        core = siblings.read_text() if siblings.exists() else str(cpu)
        if core not in seen:
            seen.add(core)
            chosen.append(cpu)
    return chosen


def _first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.split("\n")[0]


def _caches():
    found = {}
    for index in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((index / name).read_text().strip()
                             for name in ("level", "type", "size"))
        if kind != "Instruction":
            found[f"L{level}"] = size
    return ", ".join(f"{level} {size}" for level, size in found.items())


def _system():
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        name = platform.system()
    return f"{name}, {platform.system()} {platform.release()}"


def _compilation(build):
    """The compiler and its flags, as used for the program that is measured."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if entry["file"].endswith("benchmarks/cpu/train.cpp"):
            words = [w for w in shlex.split(entry["command"]) if not w.endswith("ccache")]
            flags = [w for w in words if re.match(r"-(O|m|f|std=|DNDEBUG)", w) and w != "-fPIE"]
            return _first_line(words[0], "--version"), " ".join(
                w for w in flags if not w.startswith("-fdiagnostics"))
    raise SystemExit(f"{build} was not configured with -Dbenchmarks=enabled")


def engine(build):
    """What computes the products of longhand built there."""
    return re.search(r"products: (.*)\)", _first_line(str(build / "src/longhand"), "--version"))[1]


def _version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor_seconds():
    """Of all processors together: user, nice, system, idle, iowait, irq, softirq, steal."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n")[0].split()
    return [int(field) / os.sysconf("SC_CLK_TCK") for field in fields[1:9]]


def stolen_seconds():
    """Time that the hypervisor gave to others."""
    return _processor_seconds()[7]


def busy():
    """What part of the processors' time others use, while we use none."""
    before = _processor_seconds()
    time.sleep(2)
    passed = [b - a for a, b in zip(before, _processor_seconds())]
    return 1 - (passed[3] + passed[4]) / sum(passed)


def same(one, other):
    """Whether figures measured on both may stand on one page."""
    return all(one[key] == other[key] for key in ("cpu", "cores", "compiler", "flags", "peers"))


def describe(build, root):
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    compiler, flags = _compilation(build)
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": model.group(1) if model else platform.machine(),
        "cores": len(cores()),
        "caches": _caches(),
        "system": _system(),
        "compiler": compiler,
        "flags": flags,
        "version": _first_line(str(build / "src/longhand"), "--version"),
        "commit": _first_line("git", "-C", str(root), "describe", "--always", "--dirty"),
        "python": platform.python_version(),
        "peers": {peer: _version(peer) for peer in PEERS},
    }
