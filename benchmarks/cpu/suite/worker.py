# SPDX-License-Identifier: MIT
"""A program that is measured: a process of its own, asked in lines of JSON, so that starting and
compiling stay outside of the measurement and contenders can take turns."""
import json
import os
import subprocess
import sys

from . import machine


class Failed(Exception):
    pass


class Worker:
    """Runs on as many cores as it has threads and on no other: JAX cannot be told otherwise."""

    def __init__(self, name, command, threads, log):
        self.name = name
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        # Threads wait as OpenMP's default tells them to; an empty value would be another choice.
        environment.pop("OMP_WAIT_POLICY", None)
        self.process = subprocess.Popen(
            [*map(str, command), str(threads)], env=environment, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=log,
            preexec_fn=lambda: os.sched_setaffinity(0, machine.cores()[:threads]))

    def ask(self, do, **fields):
        try:
            self.process.stdin.write(json.dumps({"do": do, **fields}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Failed("the process ended; see the log")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Team:
    """The contenders of one comparison. Who fails leaves it and is reported."""

    def __init__(self, commands, threads, log):
        self.workers = [Worker(name, command, threads, log) for name, command in commands.items()]
        self.failures = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for worker in self.workers:
            worker.close()

    def in_turn(self, number):
        """All of them, another one first in every round."""
        start = number % max(1, len(self.workers))
        return self.workers[start:] + self.workers[:start]

    def one(self, worker, do, **fields):
        """Its answer, or nothing."""
        try:
            return worker.ask(do, **fields)
        except Failed as failure:
            print(f"    {worker.name}: {failure}", file=sys.stderr)
            self.failures[worker.name] = str(failure)
            self.workers.remove(worker)
            worker.close()
            return None

    def each(self, do, **fields):
        """Asks one after the other; the answers by name."""
        answers = {worker.name: self.one(worker, do, **fields) for worker in list(self.workers)}
        return {name: answer for name, answer in answers.items() if answer is not None}
