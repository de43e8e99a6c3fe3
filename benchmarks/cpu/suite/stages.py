# SPDX-License-Identifier: MIT
"""Where the time of a step goes: the same training on a backend with a stopwatch."""
from . import contenders
from .training import steps_of
from .worker import Worker
from .workloads import ROWS, TRAININGS


def measure(session):
    records = []
    for threads in session.threads:
        worker = Worker("stages", contenders.ours(session.program, "stages"), threads, session.log)
        for workload in TRAININGS:
            session.say(f"stages of {workload.name}, {threads} thread(s)")
            steps = steps_of(workload, session.quick)
            worker.ask("setup", batch=workload.batch, **session.prepare(workload.net, ROWS))
            rounds = [worker.ask("run", steps=steps) for _ in range(session.rounds + 1)][1:]
            # The parts must add up to their whole, so the median is that of whole rounds.
            typical = sorted(rounds, key=lambda r: r["seconds"])[len(rounds) // 2]
            few = max(1, steps // 10)
            alone = worker.ask("run", steps=few, repeat=True)
            records.append({"net": workload.net.name, "batch": workload.batch, "threads": threads,
                            "steps": steps, "seconds": typical["seconds"],
                            "primitives": typical["primitives"],
                            "alone": {"steps": few, "primitives": alone["primitives"]}})
        worker.close()
    return records
