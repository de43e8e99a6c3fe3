# SPDX-License-Identifier: MIT
"""Writes what was measured on a GPU into the section of docs/results.md between its two marks. A
figure that is in none of the files is *not yet measured*.

    report.py [--page docs/results.md] [FILE.tsv...]
"""
import argparse
import pathlib

import work
from measured import Measured
from suite.figures import number, table

NOT_YET, NONE_YET = "*not yet measured*", "*Not yet measured.*\n"
BEGIN, END = "<!-- gpu: begin -->", "<!-- gpu: end -->"
PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/results.md"

OURS = "longhand graph x16"  # what a user gets who asks for nothing
WAYS = ["longhand eager", "longhand graph", OURS, "longhand graph x16, epilogues",
        "longhand graph x16, second stream", "longhand graph x16, both"]
EAGER = ["PyTorch eager"]
COMPILED = ["PyTorch compile", "PyTorch compile, reduce-overhead"]
ONE_GRAPH = ["PyTorch eager, one graph", "PyTorch compile, one graph"]
SCAN = ["JAX scan"]
PEERS = EAGER + COMPILED + ONE_GRAPH + SCAN
# What was aimed at, of `classic`: the better of these peers over longhand, at least.
AIMS = [(128, work.PRECISIONS, EAGER, 6), (128, work.PRECISIONS, COMPILED, 3),
        (128, work.PRECISIONS, ONE_GRAPH, 1.5), (128, work.PRECISIONS, SCAN, 1.5),
        (8192, ["tf32"], EAGER, 2.5), (8192, ["tf32"], COMPILED, 1.1),
        (8192, ["tf32"], ONE_GRAPH, 1.1), (8192, ["tf32"], SCAN, 1.1)]
STEP_US, EPOCH_MS = 60, 30  # at most, at batch 128

# Noise and the order of rows are everyone's own, so losses after equal numbers of epochs are equal
# only on average; farther apart than this, someone may be training something else.
SAME_LOSS = 0.02
# Without noise, from equal weights, they differ by the rounding of float sums.
SAME_START = 1e-6
TITLES = {"fp32": "fp32", "tf32": "TF32"}


def section(found):
    parts = [HEAD if found else HEAD_OF_NONE, aims(found)]
    if not found:
        parts.append(REST_OF_NONE)
    else:
        parts += [machine(found), METHOD,
                  *(of_net(found, net) for net in work.NETS), bounds(found), products(found)]
    return "\n".join(part for part in parts if part)


HEAD_OF_NONE = """*Not yet measured*: the CUDA backend has not run on a device yet
([backends.md](backends.md)). `benchmarks/gpu.sh` runs its tests on one, times it beside PyTorch and
JAX, and writes this section. What is aimed at:
"""
REST_OF_NONE = """Not yet measured either: the nets `deep` (784-64-16-20) and `wide` (784-1600-20),
batch 1024, and what a GPU allows at most: roofline, launch floor, the products of a step.
"""
HEAD = """*Written by `benchmarks/gpu.sh`; changes by hand are lost.*
"""


# ---- what was aimed at --------------------------------------------------------------------------

def aims(found):
    rows = [[f"batch {batch:,}: {name_of(peers)}", f"{aim:g} times",
             *(ahead(found, peers, batch, p, aim) if p in precisions else "–"
               for p in work.PRECISIONS)] for batch, precisions, peers, aim in AIMS]
    step = found.times.get((OURS, "classic", 128, "fp32"))
    rows.append(["batch 128: a step", f"{STEP_US} µs at most",
                 at_most(step and step.us, STEP_US, "µs"), "–"])
    epochs = [found.times.get((OURS, "classic", 128, p)) for p in work.PRECISIONS]
    rows.append([f"batch 128: an epoch of {work.ROWS:,} rows, with all that lies between two",
                 f"{EPOCH_MS} ms at most",
                 *(at_most(t and t.epoch_ms, EPOCH_MS, "ms") for t in epochs)])
    return table(["784-400-20 (`classic`), as a graph of 16 steps, ahead of", "aim",
                  *TITLES.values()], rows)


def name_of(peers):
    return {"PyTorch eager": "PyTorch eager, fused Adam",
            "PyTorch compile": "torch.compile, the better of default and reduce-overhead",
            "PyTorch eager, one graph": "PyTorch, the whole step in one CUDA graph, the better of "
                                        "eager and compiled",
            "JAX scan": "JAX, jit of lax.scan"}[peers[0]]


def ahead(found, peers, batch, precision, aim):
    """By what factor the fastest of `peers` takes longer than longhand, and whether that is
    enough."""
    ours = found.times.get((OURS, "classic", batch, precision))
    theirs = {peer: found.times[peer, "classic", batch, precision].us for peer in peers
              if (peer, "classic", batch, precision) in found.times}
    if not ours or not theirs:
        return NOT_YET
    best = min(theirs, key=theirs.get)
    missing = "".join(f"; {peer} {NOT_YET}" for peer in peers if peer not in theirs)
    who = f" ({best}{missing})" if len(peers) > 1 else ""
    return f"{theirs[best] / ours.us:.2f}{who}: {verdict(theirs[best] / ours.us >= aim)}"


def at_most(value, aim, unit):
    return NOT_YET if value is None else f"{number(value)} {unit}: {verdict(value <= aim)}"


def verdict(reached):
    return "reached" if reached else "**not reached**"


# ---- where, and how -----------------------------------------------------------------------------

def machine(found):
    rows = [[key, "; ".join(values)] for key, values in found.machine.items()]
    text = table(["", ""], rows) if rows else ""
    differing = [key for key, values in found.machine.items() if len(values) > 1 and key != "date"]
    if differing:
        text += (f"\n**Parts of this were measured on different machines or builds "
                 f"({', '.join(differing)}): do not compare them.**\n")
    if found.tests:
        failed = [f"{name}: {result}" for name, result in found.tests.items()
                  if result not in ("passed", "clean")]
        text += (f"\nTests on the device and compute-sanitizer: {len(found.tests) - len(failed)} "
                 f"of {len(found.tests)} passed or clean"
                 + "".join(f"; **{name}**" for name in failed) + ".\n")
    else:
        text += f"\nTests on the device: {NOT_YET}.\n"
    return text


METHOD = """Everyone starts from the same weights and has the same rows on the device (longhand as
bytes, the others as floats); noise and the order of rows are everyone's own. A step is all of it:
gather, noise, forward, loss, backward, Adam. The clock is the host's, around whole epochs that end
when the device has done all of them and the losses have been read: it counts what the host does
meanwhile, which CUDA events would leave out, and is one clock for all. The first two epochs, in
which compilers and recordings do their work, do not count; figures are medians of the others
(smallest to largest). Contenders run one after the other on a machine that does nothing else. fp32
is true float products for everybody, TF32 is `Precision::tf32`, PyTorch's "high", JAX's
"tensorfloat32". Compiling takes most of the time of a run: torch.compile is left out at batch 1024.

longhand comes as a graph of 16 steps (at batch 8,192 of the seven full ones of an epoch) with
kernels of its own on one stream. *Epilogues* are by
cuBLASLt, which then adds biases and sums their gradients; the *second stream* has the gradients of
parameters; *both* is both ([backends.md](backends.md)).

Between two epochs longhand looks for weights that are not finite, as nobody else does: that is in
its *ms per epoch*, and not in its µs per step.
"""


# ---- a net --------------------------------------------------------------------------------------

def of_net(found, name):
    net = work.NETS[name]
    if not any(key[1] == name for key in found.times):
        return f"### `{name}`, {net.name}\n\n{NONE_YET}"
    keys = [(name, batch, p) for batch in work.BATCHES for p in work.PRECISIONS]
    text = f"### `{name}`, {net.name}\n\n"
    text += table(["µs per step", OURS, *PEERS, f"{OURS}, ms per epoch"],
                  [[row_name(key), *(cell(found, who, key) for who in [OURS] + PEERS),
                    epoch(found, key)] for key in keys]) + "\n"
    text += table([f"times as long as {OURS}", *PEERS],
                  [[row_name(key), *(longer(found, who, key) for who in PEERS)] for key in keys])
    text += "\n" + table(["µs per step", *WAYS],
                         [[row_name(key), *(cell(found, who, key) for who in WAYS)]
                          for key in keys])
    return text + "\n" + losses(found, name, keys) + skipped(found, name)


def row_name(key):
    return f"batch {key[1]:,}, {TITLES[key[2]]}"


def cell(found, who, key):
    time = found.times.get((who, *key))
    return (f"{number(time.us)} ({number(time.least)} to {number(time.most)})" if time else "–")


def epoch(found, key):
    time = found.times.get((OURS, *key))
    return number(time.epoch_ms) if time else "–"


def longer(found, who, key):
    ours, theirs = found.times.get((OURS, *key)), found.times.get((who, *key))
    return f"{theirs.us / ours.us:.2f}" if ours and theirs else "–"


def losses(found, name, keys):
    """Where everyone starts and ends."""
    text = ""
    ours = found.starts.get(("longhand", name))
    apart = {who: abs(loss / ours - 1) for (who, net), loss in found.starts.items()
             if net == name and who != "longhand"} if ours else {}
    if apart:
        text += "Before the first step and without noise the loss differs from longhand's by " + \
            ", ".join(f"{far:.0e} ({who})" for who, far in apart.items())
        text += (": rounding.\n" if max(apart.values()) <= SAME_START
                 else ". **That is more than rounding: they do not compute the same.**\n") + "\n"
    rows, compared, off = [], False, []
    for key in keys:
        ours = found.times.get((OURS, *key))
        there = {who: found.times[who, *key] for who in WAYS + PEERS if (who, *key) in found.times}
        rows.append([row_name(key), *(f"{there[who].loss:.2f}" if who in there else "–"
                                      for who in [OURS] + PEERS)])
        compared |= ours is not None and len(there) > 1
        off += [f"{who} at {row_name(key)} ({time.loss / ours.loss - 1:+.1%})"
                for who, time in there.items()
                if ours and not abs(time.loss / ours.loss - 1) <= SAME_LOSS]
    text += table(["loss of the last epoch, nats per row", OURS, *PEERS], rows)
    if off:
        text += f"\n**More than {SAME_LOSS:.0%} from longhand's: {', '.join(off)}.**\n"
    elif compared:
        text += f"\nAll within {SAME_LOSS:.0%} of longhand's.\n"
    return text


def skipped(found, name):
    lines = ["".join([f"- {who}", f" at batch {batch}, {precision}" if batch != "-" else "",
                      f": {why}\n"])
             for (who, net, batch, precision), why in found.skipped.items()
             if net == name and not measured_after_all(found, who, net, batch, precision)]
    return "\nNot measured:\n\n" + "".join(lines) if lines else ""


def measured_after_all(found, who, net, batch, precision):
    return batch != "-" and (who, net, int(batch), precision) in found.times


# ---- what the machine allows --------------------------------------------------------------------

def roofline(found, net, batch, precision):
    """Seconds: the longer of FLOPs over the rate of a large product and bytes over the rate of a
    copy."""
    peak, copy = (found.ceilings.get(key) for key in
                  (("large product", None, precision), ("copy", None, None)))
    if not peak or not copy:
        return None
    return max(work.flops_per_step(net, batch) / peak.rate,
               work.bytes_per_step(net, batch) / copy.rate)


def launch_floor(found, net):
    """Seconds: as many kernels as longhand's step has, doing nothing, in a graph."""
    kernel = found.ceilings.get(("kernel in a graph", None, None))
    return kernel and work.kernels_per_step(net) * kernel.seconds


def bounds(found):
    if not found.ceilings:
        return f"### Bounds\n\n{NONE_YET}"
    rows = []
    for name, net in work.NETS.items():
        for batch in work.BATCHES:
            for precision in work.PRECISIONS:
                ours = found.times.get((OURS, name, batch, precision))
                limits = [roofline(found, net, batch, precision), launch_floor(found, net)]
                rows.append([f"{name}, batch {batch:,}, {TITLES[precision]}",
                             f"{work.flops_per_step(net, batch) / 1e9:.3g}",
                             f"{work.bytes_per_step(net, batch) / 1e6:.3g}",
                             *(number(1e6 * limit) if limit else NOT_YET for limit in limits),
                             number(ours.us) if ours else NOT_YET,
                             *(f"{ours.us / (1e6 * limit):.2f}" if ours and limit else "–"
                               for limit in limits)])
    return ("### Bounds\n\n" + ceilings(found) + BOUNDS_TEXT
            + table(["", "GFLOP", "MB", "roofline, µs", "launch floor, µs", f"{OURS}, µs",
                     "times the roofline", "times the launch floor"], rows))


def ceilings(found):
    def row(title, key, size, unit, inverse=False):
        c = found.ceilings.get(key)
        if not c:
            return [title, NOT_YET]
        values = ([c.seconds, c.least, c.most] if inverse
                  else [c.amount / s for s in (c.seconds, c.most, c.least)])
        middle, low, high = (number(v / size) for v in values)
        return [title, f"{middle} {unit} ({low} to {high})"]

    return table(["what the machine does at most", ""], [
        row("copying a gigabyte of floats, read and written", ("copy", None, None), 1e12, "TB/s"),
        row("a kernel of one number, in a graph of 1000", ("kernel in a graph", None, None), 1e-6,
            "µs", inverse=True),
        row("… asked for by itself", ("kernel by itself", None, None), 1e-6, "µs", inverse=True),
        *(row(f"a product of 8192 × 8192, depth 8192, {TITLES[p]}", ("large product", None, p),
              1e12, "TFLOP/s") for p in work.PRECISIONS)])


BOUNDS_TEXT = """
*Roofline*: the longer of the step's FLOPs at the speed of the large product and of its bytes at the
speed of the copy. FLOPs are those of the products, 6 · Σ in · out · rows − 2 · in₁ · out₁ · rows;
bytes are parameters and Adam's two moments, read and written (24 per parameter), and the rows. All
are those of an epoch over its steps, as the times are: the last batch is smaller. What fits in the
cache may move faster than the copy. *Launch floor*: the kernels of longhand's step
([backends.md](backends.md)), each at the price of one that does next to nothing, one after the other
in a graph.

"""


def products(found):
    """The products of the step of classic, each by itself."""
    keys = [(batch, p) for batch in work.BATCHES for p in work.PRECISIONS]
    names = [f"{kind}{layer}" for layer in range(1, len(work.NETS["classic"].layers()) + 1)
             for kind in ("Y", "dW", "dX") if (kind, layer) != ("dX", 1)]
    if not any((name, *key) in found.ceilings for name in names for key in keys):
        return ""
    rows = []
    for name in names:
        these = [found.ceilings.get((name, *key)) for key in keys]
        rows.append([name, *(number(c.rate / 1e12) if c else NOT_YET for c in these)])
    sums = []
    for key in keys:
        these = [found.ceilings.get((name, *key)) for name in names]
        sums.append(number(1e6 * sum(c.seconds for c in these)) if all(these) else NOT_YET)
    return ("### The products of a step\n\n"
            "TFLOP/s of the products of `classic`, each by itself, 100 times in one graph on the "
            "same\nmatrices: layers 1 and 2 are the encoder's, 3 and 4 the decoder's.\n\n"
            + table(["", *(f"{batch:,}, {TITLES[p]}" for batch, p in keys)], rows)
            + "| all, one after the other, µs | " + " | ".join(sums) + " |\n")


# ---- the page -----------------------------------------------------------------------------------

def into(page, text):
    """The page with `text` between its marks."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{text.rstrip()}\n{END}{after}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--page", type=pathlib.Path, default=PAGE)
    parser.add_argument("files", type=pathlib.Path, nargs="*", metavar="FILE.tsv")
    options = parser.parse_args()
    lines = [line for path in options.files
             for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    page = options.page.read_text(encoding="utf-8")
    options.page.write_text(into(page, section(Measured(lines))), encoding="utf-8")


if __name__ == "__main__":
    main()
