# SPDX-License-Identifier: MIT
"""How the time of a step grows with each size, all others fixed."""
import dataclasses
import statistics

from . import contenders, fit
from .worker import Team
from .workloads import CLASSIC, ROWS, Net

BATCH = 128


@dataclasses.dataclass(frozen=True)
class Sweep:
    name: str
    label: str
    values: list
    what: str               # the net, in words
    net: object = lambda value: CLASSIC
    batch: object = lambda value: BATCH
    rows: object = lambda value: ROWS
    peers: bool = False
    per_epoch: bool = False  # seconds per epoch instead of per step


SWEEPS = [
    Sweep("width", "width of the hidden layer", [2 ** k for k in range(6, 13)],
          "784-width-20, batch 128", net=lambda width: Net(784, (width,), 20), peers=True),
    Sweep("depth", "hidden layers of encoder and of decoder", [1, 2, 4, 8, 16],
          "784-256-…-256-20, batch 128", net=lambda depth: Net(784, (256,) * depth, 20)),
    Sweep("batch", "rows per batch", [2 ** k for k in range(14)], "784-400-20",
          batch=lambda batch: batch, peers=True),
    Sweep("latent", "latent dimensions", [2 ** k for k in range(1, 10)],
          "784-400-latent, batch 128", net=lambda latent: Net(784, (400,), latent)),
    Sweep("rows", "rows of the data set", [2 ** k for k in range(10, 16)] + [ROWS],
          "784-400-20, batch 128", rows=lambda rows: rows, per_epoch=True),
]


def measure(session):
    sweeps = [_sweep(session, sweep) for sweep in SWEEPS]
    return [*sweeps, _threads(session)]


def _record(sweep, threads, seconds, work):
    """`work` is what an ideal machine's time would be proportional to, for every value."""
    values = sweep.values
    return {"name": sweep.name, "label": sweep.label, "what": sweep.what, "threads": threads,
            "picture": f"scaling-{sweep.name}.svg", "per_epoch": sweep.per_epoch, "values": values,
            "seconds": seconds, "ideal": fit.exponent(values, work),
            "exponents": {name: fit.exponent(values[:len(y)], y) for name, y in seconds.items()}}


def _sweep(session, sweep):
    threads = session.threads[0]
    everyone = contenders.scaling(session.program)
    if not sweep.peers:
        everyone = {contenders.OURS: everyone[contenders.OURS]}
    seconds = {}
    if session.quick:
        sweep = dataclasses.replace(sweep, values=sweep.values[::3])
    with Team(everyone, threads, session.log) as team:
        for value in sweep.values:
            session.say(f"{sweep.name} {value}")
            for name, median in _point(session, sweep, value, team).items():
                seconds.setdefault(name, []).append(median)
    return _record(sweep, threads, seconds, [_operations(sweep, value) for value in sweep.values])


def _operations(sweep, value):
    steps = sweep.rows(value) / sweep.batch(value) if sweep.per_epoch else 1
    return steps * sweep.net(value).flops_per_step(sweep.batch(value))


def _point(session, sweep, value, team):
    """Median seconds of a step (or epoch) of every contender."""
    rows, batch = sweep.rows(value), sweep.batch(value)
    team.each("setup", batch=batch, **session.prepare(sweep.net(value), rows))
    budget = 0.02 if session.quick else 0.15  # per round
    team.each("run", steps=1)  # allocates, and looks through the data
    steps = {name: max(1, round(budget / (probe["seconds"] / 3)))
             for name, probe in team.each("run", steps=3).items()}
    times = {name: [] for name in steps}
    for number in range(session.rounds + 1):
        for worker in team.in_turn(number):
            session.pause()
            answer = team.one(worker, "run", steps=steps[worker.name])
            if answer and number > 0:
                times[worker.name].append(answer["seconds"] / steps[worker.name])
    scale = rows / batch if sweep.per_epoch else 1
    return {name: scale * statistics.median(values)
            for name, values in times.items() if values}


def _threads(session):
    """Every number of threads is a process of its own: cores are given at the start."""
    values = sorted({2 ** k for k in range(10) if 2 ** k <= session.threads[-1]}
                    | {session.threads[-1]})
    sweep = Sweep("threads", "threads", values, "784-400-20, batch 128")
    seconds = {contenders.OURS: []}
    ours = {contenders.OURS: contenders.ours(session.program, "train")}
    for threads in values:
        session.say(f"threads {threads}")
        with Team(ours, threads, session.log) as team:
            seconds[contenders.OURS] += _point(session, sweep, threads, team).values()
    return _record(sweep, None, seconds, [1 / threads for threads in values])
