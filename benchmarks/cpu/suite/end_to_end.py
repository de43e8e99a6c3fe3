# SPDX-License-Identifier: MIT
"""From starting a program to a trained model on disk: files read, ten epochs, everything counts."""
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from . import contenders, machine
from .workloads import CLASSIC, FLOAT

BATCH = 128
IMAGES = 60_000


def commands(session, threads, epochs, out):
    found = {contenders.OURS: [
        session.longhand, "train", "--data", session.idx, "--out", out, "--hidden", "400",
        "--latent", "20", "--batch", BATCH, "--epochs", epochs, "--validation", "0",
        "--logvar-bound", "none", "--threads", threads, "--quiet"]}
    if importlib.util.find_spec("torch"):
        found["PyTorch eager"] = [
            sys.executable, contenders.PEERS / "torch_program.py", session.idx, out,
            "--epochs", epochs, "--threads", threads]
    return {name: [str(word) for word in command] for name, command in found.items()}


def measure(session):
    epochs = 1 if session.quick else 10
    records = []
    for threads in session.threads:
        record = {"net": CLASSIC.name, "batch": BATCH, "epochs": epochs, "threads": threads,
                  "floor": floor(), "seconds": {}, "resident": {}, "loss": {}}
        for number in range(session.rounds):
            session.say(f"end to end, {epochs} epochs, {threads} thread(s), round {number + 1}")
            out = session.work / "end-to-end"
            for name, command in commands(session, threads, epochs, out).items():
                shutil.rmtree(out, ignore_errors=True)
                session.pause()
                seconds, resident = run(command, threads, session.log)
                record["seconds"].setdefault(name, []).append(seconds)
                record["resident"].setdefault(name, []).append(resident)
                lines = pathlib.Path(out, "metrics.jsonl").read_text().splitlines()
                record["loss"][name] = json.loads(lines[-1])["loss"]
        records.append(record)
    return records


def floor():
    """Bytes without which it cannot be done: pictures as bytes; parameters, their gradients and
    Adam's two moments; a batch's activations."""
    return (IMAGES * CLASSIC.input + 4 * FLOAT * CLASSIC.parameters
            + CLASSIC.activation_bytes(BATCH))


def run(command, threads, log):
    """Wall seconds and peak resident bytes of a program."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    environment.pop("OMP_WAIT_POLICY", None)
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdout=log, stderr=log,
        preexec_fn=lambda: os.sched_setaffinity(0, machine.cores()[:threads]))
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} failed; see {log.name}")
    return seconds, usage.ru_maxrss * 1024
