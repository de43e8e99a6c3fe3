# SPDX-License-Identifier: MIT
"""Single products beside Eigen's own, whose bits change with the threads."""
from . import contenders
from .worker import Worker
from .workloads import TRAININGS


def measure(session):
    records = []
    for threads in session.threads:
        worker = Worker("products", contenders.ours(session.program, "products"), threads,
                        session.log)
        for workload in TRAININGS:
            session.say(f"products of {workload.name}, {threads} thread(s)")
            records += [_compare(session, worker, workload, threads, *product)
                        for product in dict.fromkeys(_products(workload))]
        worker.close()
    return records


def _products(workload):
    """(m, n, k, op(A), op(B)) of every product of a step."""
    batch = workload.batch
    for number, (inputs, outputs) in enumerate(workload.net.layers()):
        yield outputs, batch, inputs, False, False     # Y = W X
        yield outputs, inputs, batch, False, True      # dW = dY X'
        if number > 0:
            yield inputs, batch, outputs, True, False  # dX = W' dY


def _compare(session, worker, workload, threads, m, n, k, ta, tb):
    record = {"net": workload.net.name, "batch": workload.batch, "threads": threads,
              "m": m, "n": n, "k": k, "ta": ta, "tb": tb, "seconds": {}, "apart": 0.0}
    budget = 0.01 if session.quick else 0.05
    fields = {key: record[key] for key in ("m", "n", "k", "ta", "tb")}
    calls = max(1, round(budget / (2e-7 + 2 * m * n * k / 1e11)))
    for number in range(session.rounds + 1):
        session.pause()
        answer = worker.ask("run", calls=calls, **fields)
        record["apart"] = max(record["apart"], answer["apart"])
        for name in ("longhand", "Eigen"):
            if number > 0:
                record["seconds"].setdefault(name, []).append(answer[name] / calls)
    return record
