# SPDX-License-Identifier: MIT
"""Time of reconstructions, decode(encode(x)): one row as in an embedded program, and many."""
from . import contenders
from .worker import Team, Worker
from .workloads import INFERENCES


def measure(session):
    records = []
    for threads in session.threads:
        read = Worker("read", contenders.ours(session.program, "read"), threads, session.log)
        with Team(contenders.inference(session.program), threads, session.log) as team:
            for net, rows in INFERENCES:
                session.say(f"inference {net.name}, {rows} row(s), {threads} thread(s)")
                records.append(_compare(session, net, rows, threads, team, read))
        read.close()
    return records


def _compare(session, net, rows, threads, team, read):
    record = {"net": net.name, "rows": rows, "threads": threads, "bytes": net.reconstruction_bytes,
              "read": [], "seconds": {}}
    fields = session.prepare(net)
    first = team.each("setup", **{**fields, "rows": rows})
    record["first_row"] = {name: a["first_row"] for name, a in first.items() if a.get("first_row")}
    calls = {}
    for worker in list(team.workers):  # as many calls as fill the time
        probe = team.one(worker, "run", calls=3)
        if probe:
            budget = 0.02 if session.quick else 0.2
            calls[worker.name] = max(1, round(budget / max(probe["seconds"] / 3, 1e-7)))
    for number in range(session.rounds + 1):
        bandwidth = read.ask("run", bytes=net.reconstruction_bytes, seconds=0.05)
        for worker in team.in_turn(number):
            session.pause()
            answer = team.one(worker, "run", calls=calls[worker.name])
            if answer and number > 0:
                record["seconds"].setdefault(worker.name, []).append(
                    answer["seconds"] / calls[worker.name])
        if number > 0:
            record["read"].append(bandwidth["bytes_per_second"])
    record["failures"] = dict(team.failures)
    return record
