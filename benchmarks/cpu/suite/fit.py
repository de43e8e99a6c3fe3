# SPDX-License-Identifier: MIT
"""How fast a cost grows: the exponent of a power law through its upper half."""
import math
import statistics


def exponent(x, y):
    """k of y = c x^k by least squares on logarithms over the upper half of the points (at least
    three), where fixed costs no longer hide it; None for fewer points."""
    if len(x) < 3:
        return None
    points = sorted(zip(x, y))[-max(3, math.ceil(len(x) / 2)):]
    line = statistics.linear_regression([math.log(a) for a, _ in points],
                                        [math.log(b) for _, b in points])
    return line.slope
