# SPDX-License-Identifier: MIT
"""How measured numbers are summed up and written."""
import statistics

from .contenders import OURS

UNITS = [("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)]


def table(header, rows):
    lines = ["| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]]
    return "\n".join(lines) + "\n"


def number(value):
    """Three digits that count, and never more than three behind the point."""
    size = abs(value)
    return f"{value:.{0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3}f}"


def spread(seconds):
    """Median and, in parentheses, smallest and largest."""
    middle = statistics.median(seconds)
    unit, size = next((u for u in UNITS if middle >= u[1]), UNITS[-1])
    low, middle, high = (number(s / size) for s in (min(seconds), middle, max(seconds)))
    return f"{middle} {unit} ({low} to {high})"


def ratio(others, ours):
    """Median over rounds: what varies from round to round varies for both."""
    return statistics.median(a / b for a, b in zip(others, ours))


def is_ours(name):
    return name.startswith(OURS)


def lead(seconds, ours=OURS):
    """By what factor the best of the peers takes longer than longhand, and who that is."""
    peers = {name: values for name, values in seconds.items()
             if not is_ours(name) and "empty graph" not in name}
    if not peers:
        return "–"
    best = min(peers, key=lambda name: statistics.median(peers[name]))
    return f"{ratio(peers[best], seconds[ours]):.2f} × {best}"


def apart(values):
    """How far the farthest is from longhand, relatively, and who that is; None if there is none."""
    others = {name: abs(value / values[OURS] - 1) for name, value in values.items()
              if name != OURS}
    return max(((far, name) for name, far in others.items()), default=None)


def agreement(values, tolerance):
    """The same in words; loud where it is more than `tolerance`."""
    found = apart(values)
    if found is None:
        return "nobody to compare with"
    text = f"{found[0]:.1e} ({found[1]})"
    return text if found[0] <= tolerance else f"**{text}: they do not agree**"


def threads_of(record):
    return "1 thread" if record["threads"] == 1 else f"{record['threads']} threads"


def names_in(records):
    """All contenders, longhand first."""
    names = dict.fromkeys(name for record in records for name in record["seconds"])
    return [OURS, *(name for name in names if name != OURS)]


def failures(records):
    found = {name: text for record in records
             for name, text in record.get("failures", {}).items()}
    return "".join(f"\n{name} failed: {text}\n" for name, text in found.items())
