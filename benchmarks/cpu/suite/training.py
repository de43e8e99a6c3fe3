# SPDX-License-Identifier: MIT
"""Time of training steps: everybody from the same weights, over the same batches, in turn."""
import math

from . import contenders, libtorch
from .worker import Team, Worker
from .workloads import ROWS, TRAININGS


def steps_of(workload, quick):
    return max(2, workload.steps // 10) if quick else workload.steps


def measure(session):
    records = []
    commands = contenders.training(session.program,
                                   libtorch.compiled(session.build, session.log),
                                   session.other_engines)
    for threads in session.threads:
        fma = Worker("fma", contenders.ours(session.program, "fma"), threads, session.log)
        with Team(commands, threads, session.log) as team:
            for workload in TRAININGS:
                session.say(f"training {workload.name}, {threads} thread(s)")
                records.append(_compare(session, workload, threads, team, fma))
        fma.close()
    return records


def _compare(session, workload, threads, team, fma):
    steps = steps_of(workload, session.quick)
    epochs = math.ceil((session.rounds + 1) * steps * workload.batch / ROWS)
    fields = session.prepare(workload.net, ROWS, epochs)
    record = {"net": workload.net.name, "batch": workload.batch, "threads": threads, "steps": steps,
              "flops": steps * workload.net.flops_per_step(workload.batch), "peak": [],
              "seconds": {}, "loss": {}}
    first = team.each("setup", batch=workload.batch, **fields)
    record["loss_without_noise"] = {name: a["loss_without_noise"] for name, a in first.items()}
    for number in range(session.rounds + 1):
        peak = fma.ask("run", seconds=0.1)
        record["instructions"] = peak["instructions"]
        for worker in team.in_turn(number):
            session.pause()
            answer = team.one(worker, "run", steps=steps)
            if answer is None:
                continue
            record["loss"].setdefault(worker.name, []).append(answer["loss"])
            if number > 0:  # the first round compiles, allocates and warms up
                record["seconds"].setdefault(worker.name, []).append(answer["seconds"])
        if number > 0:
            record["peak"].append(peak["flops"])
    record["failures"] = dict(team.failures)
    return record
