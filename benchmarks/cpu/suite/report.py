# SPDX-License-Identifier: MIT
"""docs/benchmarks.md from the results: standard library only, so that the page can be made anew
anywhere. A section that was not measured says so."""
import collections
import statistics

from .contenders import OURS

# How far the losses of two contenders may be apart. Without noise they differ by rounding alone
# (sums of a million floats). With noise, every framework draws its own, and paths drift apart: two
# seeds of longhand differ by up to 1.2% in the first round and 3.9% in the last, the most where a
# wide net has had few steps.
SAME_WITHOUT_NOISE = 1e-5
SAME_IN_FIRST_ROUND = 0.02
SAME_IN_LAST_ROUND = 0.05
SAME_RECONSTRUCTION = 1e-4  # of a pixel in [0, 1]

STAGES = {"products": "products, with the bias and activation that ride in their tiles",
          "elementwise": "other elementwise sweeps",
          "reductions": "sums: likelihood, KL, bias gradients, gradient norm",
          "optimizer": "Adam", "data": "gathering rows, noise, copies"}


def page(found):
    parts = [HEAD, machine(found)]
    for name, title, body in SECTIONS:
        parts.append(f"## {title}\n")
        parts.append(body(found[name]) if found.get(name) else "*Not measured in this run.*\n")
    return "\n".join(parts)


# ---- small pieces --------------------------------------------------------------------------------

def table(header, rows):
    lines = ["| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]]
    return "\n".join(lines) + "\n"


def number(value):
    """Three digits that count, and never more than three behind the point."""
    size = abs(value)
    return f"{value:.{0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3}f}"


def duration(seconds):
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            break
    return f"{number(seconds / size)} {unit}"


def spread(values, scale=1.0):
    """Median and, in parentheses, smallest and largest."""
    low, middle, high = min(values), statistics.median(values), max(values)
    unit, size = next(((u, s) for u, s in (("s", 1), ("ms", 1e-3), ("µs", 1e-6))
                       if middle * scale >= s), ("µs", 1e-6))
    low, middle, high = (number(v * scale / size) for v in (low, middle, high))
    return f"{middle} {unit} ({low} to {high})"


def ratio(others, ours):
    """Median over rounds: what varies from round to round varies for both."""
    return statistics.median(a / b for a, b in zip(others, ours))


def best_peer(seconds):
    """The fastest of the others by median; None where there is none."""
    peers = {name: values for name, values in seconds.items()
             if name != OURS and "empty graph" not in name}
    return min(peers, key=lambda name: statistics.median(peers[name]), default=None)


def threads_of(record):
    return "1 thread" if record["threads"] == 1 else f"{record['threads']} threads"


def names_in(records):
    names = dict.fromkeys(name for record in records for name in record["seconds"])
    return [OURS, *(name for name in names if name != OURS)]


def failures(records):
    found = {name: text for record in records for name, text in record.get("failures", {}).items()}
    return "".join(f"\n{name} failed: {text}\n" for name, text in found.items())


def agreement(values, tolerance, relative=True):
    """Whether all agree with ours, and by how much the farthest does not."""
    apart = {name: abs(value - values[OURS]) / (abs(values[OURS]) if relative else 1)
             for name, value in values.items() if name != OURS}
    if not apart:
        return "nobody to compare with"
    worst = max(apart, key=apart.get)
    text = f"{apart[worst]:.1e} ({worst})" if relative else f"{apart[worst]:.1e}"
    return text if apart[worst] <= tolerance else f"**{text}: they do not agree**"


# ---- sections ------------------------------------------------------------------------------------

HEAD = """# Benchmarks on the processor

*Written by `scripts/benchmark`; changes by hand are lost.*

longhand beside PyTorch, JAX and onnxruntime, measured in one run on one machine:

```sh
scripts/benchmark            # builds longhand, installs the peers, measures, writes this page
scripts/benchmark --quick    # a tenth of the work, to see that everything runs
scripts/benchmark --help     # other data, threads, sections, an environment that is there already
```
"""


def machine(found):
    about = found.get("machine")
    if not about:
        return "Nothing has been measured yet.\n"
    peers = ", ".join(f"{name} {version or 'not installed'}"
                      for name, version in about["peers"].items())
    rows = [["processor", f"{about['cpu']}, {about['cores']} core(s); {about['caches']}"],
            ["system", about["system"]],
            ["date", about["date"]],
            ["longhand", f"{about['commit']}, Eigen {about['eigen']}"],
            ["compiler", about["compiler"]],
            ["flags", f"`{about['flags']}`"],
            ["peers", f"{peers}; Python {about['python']}"],
            ["this run", f"{found['rounds']} rounds, {found['minutes']:.0f} minutes, load at the "
             f"start {about['load']:.1f}, {found['stolen']:.1f} s taken by other guests of the host"]]
    warnings = ""
    if found["quick"]:
        warnings += "\n**A trial run with `--quick`: no figure on this page means anything.**\n"
    if about["load"] > 0.5:
        warnings += "\n**The machine was busy with other work: do not trust these figures.**\n"
    return table(["", ""], rows) + warnings + METHOD


METHOD = """
Everyone starts from the same weights, reads the same rows in the same order and gets the same cores
and threads. Each is a process of its own that waits for its turn, so starting, reading and compiling
are not in the time, and what disturbs the machine disturbs all: rounds are interleaved, the first
does not count, figures are medians (smallest to largest), and ratios are medians of the ratios within
a round. Idle OpenMP threads spin, so there is a pause between turns; `OMP_WAIT_POLICY` is unset.

Who takes part: **longhand** is `Trainer` and `Vae<Cpu<float>>` from the public headers, with the
gradient's norm and the checks for NaN that every user has. **PyTorch eager** is the model as its users
write it, with `torch.optim.Adam`. **torch.compile** compiles the loss and takes the fused Adam. **JAX
jit** is one jitted step with the state donated, **JAX scan** a whole round in one `lax.scan`.
"""


def training(records):
    names = names_in(records)
    rows, checks = [], []
    for record in records:
        seconds, ours = record["seconds"], record["seconds"][OURS]
        per_step = 1 / record["steps"]
        peer = best_peer(seconds)
        ahead = f"{ratio(seconds[peer], ours):.2f} × {peer}" if peer else "–"
        peak = statistics.median(record["flops"] / s / p for s, p in zip(ours, record["peak"]))
        net = f"{record['net']}, batch {record['batch']}, {threads_of(record)}"
        rows.append([net, *(spread(seconds[name], per_step) if name in seconds else "–"
                            for name in names), ahead, f"{100 * peak:.0f}%",
                     number(statistics.median(record["peak"]) / 1e9)])
        of_round = [{name: losses[number] for name, losses in record["loss"].items()
                     if name in seconds} for number in (0, -1)]
        checks.append([net, agreement(record["loss_without_noise"], SAME_WITHOUT_NOISE),
                       agreement(of_round[0], SAME_IN_FIRST_ROUND),
                       agreement(of_round[1], SAME_IN_LAST_ROUND),
                       f"{record['loss'][OURS][-1]:.2f}"])
    return (table(["time per step", *names, "longhand is ahead by", "of the peak", "peak, GFLOP/s"],
                  rows)
            + failures(records) + TRAINING_TEXT.format(instructions=records[0]["instructions"])
            + table(["losses, farthest from longhand's", "without noise", "first round",
                     "last round", "longhand's last, nats per row"], checks)
            + AGREEMENT_TEXT)


TRAINING_TEXT = """
**Of the peak**: the operations of the products alone over the time of the whole step, against the
most multiply-adds ({instructions}, floats) that as many threads reached in the same round. A product
Y = W X of a layer costs 2 · in · out · batch operations, its backward the same for dW = dY Xᵀ and for
dX = Wᵀ dY, which the first layer does not need: 6 · Σ in · out · batch − 2 · in₁ · out₁ · batch per
step.

"""
AGREEMENT_TEXT = f"""
*Without noise*, before the first step and with z = μ, losses may differ by rounding alone: at most
{SAME_WITHOUT_NOISE:g} of their value, which sees any other weight, row or term. The mean over the steps of
a round has every framework's own noise in it: {SAME_IN_FIRST_ROUND:.0%} are allowed in the first round, from
equal weights over equal batches, and {SAME_IN_LAST_ROUND:.0%} in the last, since paths drift apart; two seeds of
longhand itself differ by up to 1.2% and 3.9%, in the wide net, whose loss still falls fast.
"""


def stages(records):
    text = ""
    header, columns = ["µs per step"], []
    for record in records:
        header.append(f"{record['net']}, batch {record['batch']}, {threads_of(record)}")
        sums = collections.Counter()
        for entry in record["primitives"]:
            sums[entry["stage"]] += entry["seconds"]
        columns.append((record, sums))
    rows = [[title, *(cell(sums[stage], record) for record, sums in columns)]
            for stage, title in STAGES.items()]
    rows.append(["between the primitives", *(cell(record["seconds"] - sum(sums.values()), record)
                                             for record, sums in columns)])
    rows.append(["**step**", *(cell(record["seconds"], record) for record, _ in columns)])
    text += table(header, rows) + STAGES_TEXT
    record = records[0]
    largest = sorted(record["primitives"], key=lambda e: -e["seconds"])[:12]
    text += f"\nThe largest of {header[1]}:\n\n" + table(
        ["primitive", "formula", "calls per step", "µs per step", "share"],
        [[e["primitive"], f"`{e['formula']}`" if e["formula"] else "", number(e["calls"] / record["steps"]),
          number(1e6 * e["seconds"] / record["steps"]), f"{e['seconds'] / record['seconds']:.0%}"]
         for e in largest])
    return text


def cell(seconds, record):
    return f"{number(1e6 * seconds / record['steps'])} ({seconds / record['seconds']:.0%})"


STAGES_TEXT = """
Measured by a backend that forwards every primitive to `Cpu<float>` between two looks at the clock
(`benchmarks/cpu/timed.hpp`), 25 ns each.
"""


def inference(records):
    names = names_in(records)
    rows, differences = [], 0.0
    for record in records:
        seconds, ours = record["seconds"], record["seconds"][OURS]
        peer = best_peer(seconds)
        ahead = f"{ratio(seconds[peer], ours):.2f} × {peer}" if peer else "–"
        reading = "–"
        if record["rows"] == 1:
            rates = [record["bytes"] / s for s in ours]
            share = statistics.median(rate / most for rate, most in zip(rates, record["read"]))
            reading = f"{number(statistics.median(rates) / 1e9)} GB/s, {share:.0%}"
        rows.append([f"{record['net']}, {record['rows']:,} row(s), {threads_of(record)}",
                     *(spread(seconds[name]) if name in seconds else "–" for name in names), ahead,
                     reading])
        first = record["first_row"]
        for row in first.values():
            differences = max([differences, *(abs(a - b) for a, b in zip(row, first[OURS]))])
    agree = "which is rounding" if differences <= SAME_RECONSTRUCTION else "**they do not agree**"
    return (table(["time per call", *names, "longhand is ahead by", "weights read"], rows)
            + failures(records) + INFERENCE_TEXT
            + f"Pixels of the first row differ by {differences:.1e} at most: {agree}.\n")


INFERENCE_TEXT = """
A call is decode(encode(x)) with the posterior mean. onnxruntime is called from Python with bound
inputs and outputs; the empty graph shows what of its time is the call. One row does little but read
the weights: the last column is how fast, and what part that is of the fastest reading of a block of
the same size, over and over, by as many threads in the same round.
"""


def end_to_end(records):
    names = names_in(records)
    rows = []
    for record in records:
        seconds, ours = record["seconds"], record["seconds"][OURS]
        peer = best_peer(seconds)
        ahead = f"{ratio(seconds[peer], ours):.2f}" if peer else "–"
        rows.append([threads_of(record), *(spread(seconds[n]) for n in names), ahead,
                     *(f"{statistics.median(record['resident'][n]) / 2 ** 20:.0f} MiB" for n in names),
                     *(number(record["loss"][n]) for n in names)])
    record = records[0]
    least = record["floor"] / 2 ** 20
    times = statistics.median(record["resident"][OURS]) / record["floor"]
    return table(["", *names, "ratio", *(f"memory, {n}" for n in names),
                  *(f"loss, {n}" for n in names)], rows) + END_TO_END_TEXT.format(
                      epochs=record["epochs"], least=least, times=times)


END_TO_END_TEXT = """
`longhand train` and a PyTorch program that does the same (`benchmarks/cpu/peers/torch_program.py`):
from starting the process to the model on disk, {epochs} epoch(s) over 60,000 pictures, 784-400-20,
batch 128. Memory is the peak of resident pages. The least it takes is {least:.0f} MiB: the pictures as
bytes, four times the parameters (with gradient and Adam's moments) and one batch's activations;
longhand takes {times:.2f} times that. The losses are of the last epoch, from initial weights of each
program's own.
"""


def scaling(sweeps):
    rows = [[sweep["label"], sweep["what"], f"{sweep['values'][0]} to {sweep['values'][-1]}",
             exponents(sweep), "–" if sweep["ideal"] is None else f"{sweep['ideal']:.2f}",
             f"![](images/{sweep['picture']})"] for sweep in sweeps]
    threads = sweeps[0]["threads"]
    return SCALING_TEXT.format(threads="1 thread" if threads == 1 else f"{threads} threads") + table(
        ["what grows", "net", "from, to", "exponent", "of the work", ""], rows)


def exponents(sweep):
    found = [f"{name} {value:.2f}" for name, value in sweep["exponents"].items() if value is not None]
    return ", ".join(found) or "–"


SCALING_TEXT = """Time of a training step (of an epoch, where the rows grow) on {threads}. The exponent k is
that of c · xᵏ, fitted by least squares on logarithms to the upper half of the points, where fixed
costs no longer hide it. Beside it is that of the work through the same points: the products'
operations, and 1/threads for threads. A smaller one than the work's is a cost that larger sizes share.

"""

SECTIONS = [
    ("training", "Training steps", training),
    ("stages", "Where the time of a step goes", stages),
    ("inference", "Inference", inference),
    ("end-to-end", "From start to trained model", end_to_end),
    ("scaling", "How cost grows", scaling),
]
