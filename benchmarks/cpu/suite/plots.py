# SPDX-License-Identifier: MIT
"""One small picture per sweep."""
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
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(matplotlib.ticker.ScalarFormatter())
        axes.set_xticks(thinned(sweep["values"]))
        axes.minorticks_off()
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
    """At most seven marks, the largest among them."""
    return values[::-1][::-(-len(values) // 7)][::-1] if len(values) > 7 else values
