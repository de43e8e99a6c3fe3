# SPDX-License-Identifier: MIT
"""docs/benchmarks.md from the results: standard library only, so that the page can be made anew
anywhere. A section that was not measured says so."""
import collections
import statistics

from .contenders import OURS
from .figures import (agreement, failures, is_ours, lead, names_in, number, ratio, spread, table,
                      threads_of)

# How far the losses of two contenders may be apart. Without noise they differ by rounding alone
# (sums of a million floats). With noise, every framework draws its own, and paths drift apart: two
# seeds of longhand differ by up to 1.2% in the first round and 3.9% in the last, the most where a
# wide net has had few steps.
SAME_WITHOUT_NOISE = 1e-5
SAME_IN_FIRST_ROUND = 0.02
SAME_IN_LAST_ROUND = 0.05
SAME_RECONSTRUCTION = 1e-4  # of a pixel in [0, 1]
# More of the processors' time than this in use by others, before or after the run, is too much.
BUSY = 0.05


def page(found):
    parts = [HEAD, machine(found)]
    for name, title, body in SECTIONS:
        parts.append(f"## {title}\n")
        if found.get(name):
            parts += [run(found["runs"][name]), body(found[name])]
        else:
            parts.append("*Not measured.*\n")
    return "\n".join(parts)


HEAD = """# Benchmarks on the processor

*Written by `scripts/benchmark`; changes by hand are lost.*

longhand beside PyTorch, JAX and onnxruntime, on one machine:

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
            ["longhand", about["version"]],
            ["compiler", about["compiler"]],
            ["flags", f"`{about['flags']}`"],
            ["peers", f"{peers}; Python {about['python']}"]]
    return table(["", ""], rows) + METHOD


def run(about):
    """When and how a section was measured."""
    text = (f"*{about['date']}, commit {about['commit']}: {about['rounds']} rounds, "
            f"{about['minutes']:.0f} minutes; processors {about['busy']:.0%} busy with other work "
            f"before or after, {about['stolen']:.1f} s taken by other guests of the host.*\n")
    if about["quick"]:
        text += "\n**A trial run with `--quick`: no figure here means anything.**\n"
    if about["busy"] > BUSY:
        text += "\n**The machine was busy with other work: do not trust these figures.**\n"
    return text


METHOD = """
Everyone starts from the same weights, reads the same rows in the same order and gets the same
cores and threads. Each is a process of its own that waits for its turn, so starting, reading and
compiling are not in the time, and what disturbs the machine disturbs all: rounds are interleaved,
the first does not count, figures are medians (smallest to largest), and ratios are medians of the
ratios within a round. Idle OpenMP threads spin, so there is a pause between turns;
`OMP_WAIT_POLICY` is unset.

Who takes part: **longhand** is `Trainer` and `Vae<Cpu<float>>` from the public headers, with the
gradient's norm and the checks for NaN that every user has. **PyTorch eager** is the model as its
users write it, with `torch.optim.Adam`; **PyTorch C++** is the same without Python.
**torch.compile** compiles the loss and takes the fused Adam. **JAX jit** is one jitted step with
the state donated, **JAX scan** a whole round in one `lax.scan`.
"""


def training(records):
    names = names_in(records)
    times, losses = [], []
    for record in records:
        net = f"{record['net']}, batch {record['batch']}, {threads_of(record)}"
        seconds = record["seconds"]
        per_step = {name: [s / record["steps"] for s in seconds[name]] for name in seconds}
        rates = [record["flops"] / s for s in seconds[OURS]]
        times.append([net, *(spread(per_step[n]) if n in seconds else "–" for n in names),
                      lead(seconds), f"{ratio(rates, record['peak']):.0%}",
                      number(statistics.median(record["peak"]) / 1e9),
                      from_threads(record, records)])
        first, last = ({name: of_rounds[which] for name, of_rounds in record["loss"].items()
                        if name in seconds} for which in (0, -1))
        losses.append([net, agreement(record["loss_without_noise"], SAME_WITHOUT_NOISE),
                       agreement(first, SAME_IN_FIRST_ROUND),
                       agreement(last, SAME_IN_LAST_ROUND), f"{last[OURS]:.2f}"])
    return (table(["time per step", *names, "longhand leads by", "of the peak", "peak, GFLOP/s",
                   "× 1 thread"], times)
            + failures(records)
            + engines(records)
            + TRAINING_TEXT.format(instructions=records[0]["instructions"])
            + table(["losses, farthest from longhand's", "without noise", "first round",
                     "last round", "longhand's last, nats per row"], losses)
            + LOSSES_TEXT)


def engines(records):
    """longhand built with other engines for the products."""
    rows = []
    for record in records:
        for name in filter(is_ours, record["seconds"]):
            if name == OURS:
                continue
            seconds = record["seconds"][name]
            rows.append([f"{record['net']}, batch {record['batch']}, {threads_of(record)}", name,
                         spread([s / record["steps"] for s in seconds]),
                         lead(record["seconds"], name),
                         f"{ratio([record['flops'] / s for s in seconds], record['peak']):.0%}"])
    return "\n" + table(["other engines", "", "time per step", "leads by", "of the peak"],
                        rows) if rows else ""


def from_threads(record, records):
    """How many times faster longhand is than on one thread."""
    same = [r for r in records if (r["net"], r["batch"]) == (record["net"], record["batch"])]
    alone = next((r for r in same if r["threads"] == 1), None)
    if alone is None or record["threads"] == 1:
        return "–"
    medians = [statistics.median(r["seconds"][OURS]) / r["steps"] for r in (alone, record)]
    return f"{medians[0] / medians[1]:.2f}"


TRAINING_TEXT = """
**Of the peak**: the operations of the products alone over the time of the whole step, against the
most multiply-adds ({instructions}, floats) that as many threads reached in the same round. A
product Y = W X of a layer costs 2 · in · out · batch operations, its backward the same for dW = dY
Xᵀ and for dX = Wᵀ dY, which the first layer does not need: 6 · Σ in · out · batch − 2 · in₁ · out₁
· batch per step.

"""
LOSSES_TEXT = f"""
*Without noise*, before the first step and with z = μ, losses may differ by rounding alone: at most
{SAME_WITHOUT_NOISE:g} of their value, which sees any other weight, row or term. The mean over the
steps of a round has every framework's own noise in it: {SAME_IN_FIRST_ROUND:.0%} are allowed in
the first round, from equal weights over equal batches, and {SAME_IN_LAST_ROUND:.0%} in the last,
since paths drift apart; two seeds of longhand itself, with other noise and another order of rows,
differ by up to 1.2% and 3.9%, in the wide net, whose loss still falls fast.
"""


def stages(records):
    text = ""
    for threads in dict.fromkeys(record["threads"] for record in records):
        text += stage_table([r for r in records if r["threads"] == threads]) + "\n"
    return text + STAGES_TEXT + primitive_table(records[0])


def stage_table(records):
    def cell(seconds, record, alone=None):
        best = f", {alone / (seconds / record['steps']):.0%} of its best" if alone else ""
        return (f"{number(1e6 * seconds / record['steps'])} "
                f"({seconds / record['seconds']:.0%}{best})")

    def sums(primitives, field):
        total = collections.Counter()
        for entry in primitives:
            total[entry["stage"]] += entry[field]
        return total

    columns = []
    for record in records:
        inside, alone = sums(record["primitives"], "seconds"), record["alone"]
        best = sums(alone["primitives"], "alone")
        rest = record["seconds"] - sum(inside.values())
        columns.append([*(cell(inside[stage], record, best[stage] / alone["steps"])
                          for stage in STAGES),
                        cell(rest, record), cell(record["seconds"], record)])
    titles = [*STAGES.values(), "between the primitives", "**step**"]
    return table([f"µs per step, {threads_of(records[0])}",
                  *(f"{r['net']}, batch {r['batch']}" for r in records)],
                 [list(row) for row in zip(titles, *columns)])


def primitive_table(record):
    largest = sorted(record["primitives"], key=lambda entry: -entry["seconds"])[:12]
    return (f"\nThe largest of {record['net']}, batch {record['batch']}, {threads_of(record)}:\n\n"
            + table(["primitive", "formula", "calls per step", "µs per step", "share"],
                    [[entry["primitive"], f"`{entry['formula']}`" if entry["formula"] else "",
                      f"{entry['calls'] / record['steps']:g}",
                      number(1e6 * entry["seconds"] / record["steps"]),
                      f"{entry['seconds'] / record['seconds']:.1%}"] for entry in largest]))


STAGES = {"products": "products, with the bias and activation that ride in their tiles",
          "elementwise": "other elementwise sweeps",
          "reductions": "sums: likelihood, KL, bias gradients, gradient norm",
          "optimizer": "Adam", "data": "gathering rows, noise, copies"}
STAGES_TEXT = """Measured by a backend that forwards every primitive to `Cpu<float>` between two
looks at the clock (`benchmarks/cpu/timed.hpp`), 25 ns each. *Its best*, taken in one run of fewer
steps, is the fastest of ten repetitions (of an update, one) of each call on the spot, when all it
needs is in the cache as far as it fits: 90% of its best means that a stage waits a tenth of its time
for numbers that others have pushed out, above 100% that the machine was slower in that run.
"""


def products(records):
    """Per training: all products of a step, by Eigen and by longhand."""
    rows = []
    for key in dict.fromkeys((r["net"], r["batch"], r["threads"]) for r in records):
        these = [r for r in records if (r["net"], r["batch"], r["threads"]) == key]
        sums = {name: [sum(rounds) for rounds in zip(*(r["seconds"][name] for r in these))]
                for name in ("longhand", "Eigen")}
        dearest = max(these, key=extra)
        rows.append([f"{key[0]}, batch {key[1]}, {threads_of(these[0])}",
                     spread(sums["longhand"]), spread(sums["Eigen"]),
                     f"{ratio(sums['longhand'], sums['Eigen']) - 1:+.0%}",
                     f"{extra(dearest):+.0%}: {shape(dearest)}",
                     f"{max(r['apart'] for r in these):.0e}"])
    return PRODUCTS_TEXT + table(["products of a step", "longhand", "Eigen", "cost", "most",
                                  "apart, per term"], rows)


def extra(record):
    """What longhand's product takes more than Eigen's, relatively."""
    return ratio(record["seconds"]["longhand"], record["seconds"]["Eigen"]) - 1


def shape(record):
    left, right = ("ᵀ" if record[side] else "" for side in ("ta", "tb"))
    return f"A{left}B{right} of {record['m']} × {record['n']}, depth {record['k']}"


PRODUCTS_TEXT = """Each product that occurs in a step, once by itself, over and over on the same
matrices: by longhand, whose bits are the same for any number of threads, and as `C.noalias() = A *
B` with Eigen, whose are not. Both run Eigen's kernels with the same flags; a cost below zero means
that the fixed tiles are faster than Eigen's own choice.

"""


def inference(records):
    names = names_in(records)
    rows, farthest = [], 0.0
    for record in records:
        seconds, reading = record["seconds"], "–"
        if record["rows"] == 1:
            rates = [record["bytes"] / s for s in seconds[OURS]]
            reading = (f"{number(statistics.median(rates) / 1e9)} GB/s, "
                       f"{ratio(rates, record['read']):.0%}")
        rows.append([f"{record['net']}, {record['rows']:,} row(s), {threads_of(record)}",
                     *(spread(seconds[name]) if name in seconds else "–" for name in names),
                     lead(seconds), reading])
        for pixels in record["first_row"].values():
            farthest = max([farthest, *(abs(a - b) for a, b
                                        in zip(pixels, record["first_row"][OURS]))])
    agree = "rounding" if farthest <= SAME_RECONSTRUCTION else "**they do not agree**"
    return (table(["time per call", *names, "longhand leads by", "weights read"], rows)
            + failures(records) + INFERENCE_TEXT
            + f"Pixels of the first row differ by {farthest:.1e} at most: {agree}.\n")


INFERENCE_TEXT = """
A call is decode(encode(x)) with the posterior mean. onnxruntime is called from Python with bound
inputs and outputs; the empty graph shows what of its time is the call. One row does little but
read the weights: the last column is how fast, and what part that is of the fastest reading of a
block of the same size, over and over, by as many threads in the same round.
"""


def end_to_end(records):
    names = names_in(records)
    rows = [[threads_of(record), *(spread(record["seconds"][name]) for name in names),
             lead(record["seconds"]),
             *(f"{statistics.median(record['resident'][name]) / 2 ** 20:.0f} MiB"
               for name in names),
             *(f"{record['loss'][name]:.2f}" for name in names)] for record in records]
    record = records[0]
    return table(["", *names, "longhand leads by", *(f"memory, {name}" for name in names),
                  *(f"loss, {name}" for name in names)], rows) + END_TO_END_TEXT.format(
                      epochs=record["epochs"], least=record["floor"] / 2 ** 20,
                      times=statistics.median(record["resident"][OURS]) / record["floor"])


END_TO_END_TEXT = """
`longhand train` and a PyTorch program that does the same
(`benchmarks/cpu/peers/torch_program.py`): from starting the process to the model on disk, {epochs}
epoch(s) over 60,000 pictures, 784-400-20, batch 128. Memory is the peak of resident pages. The
least it takes is {least:.0f} MiB: the pictures as bytes, four times the parameters (with gradient
and Adam's moments) and one batch's activations; longhand takes {times:.2f} times that. The losses
are of the last epoch, from initial weights of each program's own.
"""


def scaling(sweeps):
    def written(exponent):
        return "–" if exponent is None else f"{exponent:.2f}"

    rows = [[sweep["label"], sweep["what"], f"{sweep['values'][0]} to {sweep['values'][-1]}",
             ", ".join(f"{name} {written(k)}" for name, k in sweep["exponents"].items()),
             written(sweep["ideal"]), f"![](images/{sweep['picture']})" if sweep["picture"] else "–"]
            for sweep in sweeps]
    return SCALING_TEXT.format(threads=threads_of(sweeps[0])) + table(
        ["what grows", "net", "from, to", "exponent", "of the work", ""], rows)


SCALING_TEXT = """Time of a training step (of an epoch, where the rows grow) on {threads}. The
exponent k is that of c · xᵏ, fitted by least squares on logarithms to the upper half of the
points, where fixed costs no longer hide it. Beside it is that of the work through the same points:
the products' operations, and 1/threads for threads. A smaller one than the work's is a cost that
larger sizes share.

"""

SECTIONS = [
    ("training", "Training steps", training),
    ("stages", "Where the time of a step goes", stages),
    ("products", "What equal bits cost", products),
    ("inference", "Inference", inference),
    ("end-to-end", "From start to trained model", end_to_end),
    ("scaling", "How cost grows", scaling),
]
