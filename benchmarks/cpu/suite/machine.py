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
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _caches():
    found = {}
    for index in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
        if kind != "Instruction":
            found[f"L{level}"] = size
    return ", ".join(f"{level} {size}" for level, size in found.items())


def _system():
    release = pathlib.Path("/etc/os-release")
    name = re.search(r'^PRETTY_NAME="?(.*?)"?$', release.read_text(), re.M) if release.exists() else None
    return f"{name.group(1) if name else platform.system()}, Linux {platform.release()}"


def _compilation(build):
    """The compiler and its flags, as used for the program that is measured."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if entry["file"].endswith("benchmarks/cpu/train.cpp"):
            words = [w for w in shlex.split(entry["command"]) if not w.endswith("ccache")]
            flags = [w for w in words if re.match(r"-(O|m|f|std=|DNDEBUG)", w) and w != "-fPIE"]
            return _first_line(words[0], "--version"), " ".join(
                w for w in flags if not w.startswith("-fdiagnostics"))
    raise SystemExit(f"{build} was not configured with -Dbenchmarks=enabled")


def _version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def stolen_seconds():
    """Time that the hypervisor gave to others, of all processors together."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n")[0].split()
    return int(fields[8]) / os.sysconf("SC_CLK_TCK")


def describe(build, root):
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    compiler, flags = _compilation(build)
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": model.group(1) if model else platform.machine(),
        "cores": len(cores()),
        "caches": _caches(),
        "system": _system(),
        "load": os.getloadavg()[0],
        "compiler": compiler,
        "flags": flags,
        "eigen": _first_line("pkg-config", "--modversion", "eigen3"),
        "commit": _first_line("git", "-C", str(root), "describe", "--always", "--dirty"),
        "python": platform.python_version(),
        "peers": {peer: _version(peer) for peer in PEERS},
    }
