# SPDX-License-Identifier: MIT
"""One small picture per sweep."""
import math

import matplotlib
import matplotlib.pyplot as plt

matplotlib.use("svg")
# Letters as letters, and the same file for the same numbers.
plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "longhand", "font.size": 9,
                     "axes.spines.top": False, "axes.spines.right": False})
STYLES = [("#1f5fa8", "o", "-"), ("#b3541e", "s", "--")]


def draw(sweeps, folder):
    for sweep in sweeps:
        figure, axes = plt.subplots(figsize=(4.2, 2.9), layout="constrained")
        for (name, seconds), (colour, marker, line) in zip(sweep["seconds"].items(), STYLES):
            x = sweep["values"][:len(seconds)]
            axes.loglog(x, [1e3 * s for s in seconds], color=colour, marker=marker, linestyle=line,
                        markersize=3.5, linewidth=1.2, label=label(name, sweep))
        every_time = [1e3 * s for seconds in sweep["seconds"].values() for s in seconds]
        marks = decade_marks(min(every_time), max(every_time))
        axes.set_ylim(marks[0], marks[-1])
        axes.minorticks_off()
        axes.set_xticks(thinned(sweep["values"]), [str(v) for v in thinned(sweep["values"])])
        axes.set_yticks(marks, [f"{mark:g}" for mark in marks])
        axes.set_xlabel(sweep["label"])
        axes.set_ylabel(f"ms per {'epoch' if sweep['per_epoch'] else 'step'}")
        axes.set_title(sweep["what"], fontsize=9, loc="left")
        axes.grid(True, color="#dddddd", linewidth=0.6)
        axes.legend(frameon=False)
        figure.savefig(folder / sweep["picture"], metadata={"Date": None, "Creator": None})
        plt.close(figure)


def label(name, sweep):
    exponent = sweep["exponents"].get(name)
    return name if exponent is None else f"{name}, exponent {exponent:.2f}"


def thinned(values):
    """At most five marks, the largest among them."""
    return values[::-1][::math.ceil(len(values) / 5)][::-1]


def decade_marks(low, high):
    """The numbers 1, 2, 5, 10, 20 … from the last one below `low` to the first above `high`."""
    marks = [m * 10.0 ** k for k in range(-7, 8) for m in (1, 2, 5)]
    first = max(i for i, mark in enumerate(marks) if mark <= low)
    last = min(i for i, mark in enumerate(marks) if mark >= high)
    return marks[first:last + 1]
