#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws the figures of docs/derivations into docs/images/derivations, one per page.

Needs Python's standard library alone. Every number is computed by formulas.py, which is compared
with the worked numbers of the pages first.

Usage: figures.py            draws all of them
       figures.py --check    fails if a figure in the tree is not what would be drawn, or if a page
                             of the derivations shows none
"""

import math
import pathlib
import re
import struct
import sys
from math import exp, inf, log, pi, sqrt

import formulas as f
from chart import (BLUE, FAINT, GREEN, GREY, INK, ORANGE, PURPLE, RED, Panel, Picture, grid)

FOLDER = f.PAGES.parent / "images" / "derivations"


def minus(text):
    return text.replace("-", "−")


def activations():
    picture = Picture(780, 560, "Nine activation functions and their slopes")
    names = ["relu", "leaky_relu", "tanh", "sigmoid", "softplus", "elu", "silu", "gelu", "identity"]
    xs = grid(-4, 4, 80)
    for k, name in enumerate(names):
        value, slope = getattr(f, name), getattr(f, name + "_gradient")
        panel = Panel(picture, 45 + k % 3 * 250, 60 + k // 3 * 170, 215, 118, (-4, 4), (-1.4, 2.4),
                      name.replace("_", " "), xticks=(-4, -2, 0, 2, 4), yticks=(-1, 0, 1, 2))
        panel.line(xs, [value(a) for a in xs], BLUE, 2.2)
        if name in ("relu", "leaky_relu"):  # the slope jumps: two pieces
            for side in (grid(-4, 0, 2), grid(1e-9, 4, 2)):
                panel.line(side, [slope(a, 1) for a in side], ORANGE, 1.8, "5 3")
        else:
            panel.line(xs, [slope(a, 1) for a in xs], ORANGE, 1.8, "5 3")
        for a in (-1.25, 0, 0.75):
            panel.mark(a, value(a), BLUE, 2.6)
            panel.mark(a, slope(a, 1), ORANGE, 2.6)
    picture.path([(45, 22), (75, 22)], BLUE, 2.2)
    picture.text(82, 26, "value y = f(a)")
    picture.path([(195, 22), (225, 22)], ORANGE, 1.8, "5 3")
    picture.text(232, 26, "slope f′(a), which is da for dy = 1")
    picture.circle(455, 22, 2.6, INK)
    picture.text(464, 26, "arguments of the worked example")
    return picture


def rounded(value):
    """To the nearest float."""
    return struct.unpack("f", struct.pack("f", value))[0]


def nll_from_probability(a, clamp=0.0):
    """-log(1 - s(a)) for t = 0, every operation rounded to float."""
    s = rounded(1 / rounded(1 + rounded(exp(-a))))
    rest = max(rounded(1 - s), clamp)
    return rounded(-log(rest)) if rest > 0 else None


def bernoulli():
    picture = Picture(860, 300, "Bernoulli negative log-likelihood of a logit, its gradient, and the "
                      "naive form in float")
    xs = grid(-6, 6, 120)
    left = Panel(picture, 50, 45, 210, 210, (-6, 6), (0, 6), "nll(a)  [BER-2]", "logit a", "nats",
                 (-6, -3, 0, 3, 6), (0, 2, 4, 6))
    middle = Panel(picture, 330, 45, 210, 210, (-6, 6), (-1.1, 1.3), "∂nll/∂a = s(a) − t  [BER-3]",
                   "logit a", "", (-6, -3, 0, 3, 6), (-1, -0.5, 0, 0.5, 1))
    for t, color, at in ((0, BLUE, 4.2), (0.3, GREEN, -4.8), (1, ORANGE, -4.2)):
        left.line(xs, [f.bernoulli_nll(a, t) for a in xs], color)
        middle.line(xs, [f.bernoulli_da(a, t) for a in xs], color)
    best = log(0.3 / 0.7)
    left.mark(best, f.bernoulli_nll(best, 0.3), GREEN)
    middle.mark(best, f.bernoulli_da(best, 0.3), GREEN)
    left.text(3.0, 5.2, "t = 0", BLUE, anchor="end")
    left.text(-3.0, 5.2, "t = 1", ORANGE)
    left.text(3.2, 1.3, "t = 0.3", GREEN)
    middle.text(3.2, 1.1, "t = 0", BLUE)
    middle.text(3.2, 0.5, "t = 0.3", GREEN)
    middle.text(3.2, -0.2, "t = 1", ORANGE)
    right = Panel(picture, 620, 45, 210, 210, (0, 24), (0, 24), "t = 0, computed in float", "logit a",
                  "nats", (0, 6, 12, 18, 24), (0, 6, 12, 18, 24))
    xs = grid(0, 24, 240)
    right.line(xs, [f.bernoulli_nll(a, 0) for a in xs], BLUE, 2.5)
    naive = [nll_from_probability(a) for a in xs]
    right.line(xs, [nll_from_probability(a, 1e-7) for a in xs], PURPLE, 1.6, "6 3")
    right.line(xs, naive, RED, 1.6)
    last = max(k for k, value in enumerate(naive) if value is not None)
    right.arrow((xs[last], naive[last]), (xs[last], 23.5), RED)
    right.text(xs[last] - 0.6, 21.3, "−log(1 − s(a))", RED, anchor="end")
    right.text(xs[last] - 0.6, 19.5, "becomes infinite", RED, anchor="end")
    right.text(23.7, 13.4, "clamp at 1e-7", PURPLE, anchor="end")
    right.text(13.2, 10.0, "[BER-2]", BLUE)
    return picture


def gaussian():
    picture = Picture(780, 300, "Gaussian negative log-likelihood with fixed and with learned variance")
    left = Panel(picture, 55, 45, 300, 210, (-3, 3), (-1, 6), "fixed variance  [GAU-1]",
                 "residual m − t", "nll in nats", (-3, -2, -1, 0, 1, 2, 3), (0, 2, 4, 6))
    xs = grid(-3, 3, 150)
    for v, color in ((0.1, RED), (0.5, ORANGE), (1, GREEN), (4, BLUE)):
        left.line(xs, [f.gaussian_nll(m, 0, v) for m in xs], color)
    for text, color, x, y in (("v = 0.1", RED, 1.2, 5.3), ("v = 0.5", ORANGE, -1.82, 4.6),
                              ("v = 1", GREEN, 2.35, 3.2), ("v = 4", BLUE, 2.35, 1.5)):
        left.text(x, y, text, color)
    right = Panel(picture, 445, 45, 300, 210, (-5, 4), (-1, 6), "learned variance  [GAU-3]",
                  "log variance l", "nll in nats", (-4, -2, 0, 2, 4), (0, 2, 4, 6))
    xs = grid(-5, 4, 180)
    for r, color in ((0.2, BLUE), (0.7, GREEN), (2, ORANGE)):
        right.line(xs, [f.gaussian_nll(r, 0, exp(l)) for l in xs], color)
        best = log(r * r)
        right.segment((best, -1), (best, f.gaussian_nll(r, 0, r * r)), color)
        right.mark(best, f.gaussian_nll(r, 0, r * r), color)
    right.text(-3.3, 2.0, "|m − t| = 0.2", BLUE, anchor="end", dx=26)
    right.text(-2.2, 3.7, "0.7", GREEN)
    right.text(0.0, 4.2, "2", ORANGE)
    return picture


def gaussian_kl():
    picture = Picture(800, 330, "KL divergence of a Gaussian to the standard normal distribution")
    left = Panel(picture, 55, 45, 330, 240, (-3, 3), (-4, 2.5), "KL in nats and its descent  [KL-1]",
                 "μ", "ℓ = log σ²", (-3, -2, -1, 0, 1, 2, 3), (-4, -3, -2, -1, 0, 1, 2))
    for level in (0.1, 0.5, 1, 2, 4):
        # KL = level at mu² = 2 level - (expm1(l) - l): both halves of the closed curve
        ends = []
        for sign in (-1, 1):
            low, high = 0.0, sign * 12.0
            for _ in range(60):
                middle = (low + high) / 2
                if f.kl_standard(0, middle) < level:
                    low = middle
                else:
                    high = middle
            ends.append(low)
        half = [(sqrt(max(0.0, 2 * (level - f.kl_standard(0, l)))), l)
                for l in (ends[0] + (ends[1] - ends[0]) * (1 - math.cos(pi * k / 60)) / 2
                          for k in range(61))]
        ring = half + [(-mu, l) for mu, l in reversed(half)]
        left.picture.path([left.at(mu, l) for mu, l in ring + ring[:1]], BLUE, 1.4, clip=left.clip)
        mu, l = max(half)
        if mu < 3:
            left.text(mu, 0, f"{level:g}", BLUE, dx=-3, dy=4, anchor="end", size=10)
    for mu in (-2.5, -1.5, -0.5, 0.5, 1.5, 2.5):
        for l in (-3.5, -2.5, -1.5, -0.5, 0.6, 1.4, 2.1):
            step = -0.22 * f.kl_standard_dmu(mu, l), -0.22 * f.kl_standard_dlogvar(mu, l)
            left.arrow((mu, l), (mu + step[0], l + step[1]), ORANGE, 1.2)
    left.mark(0, 0, INK, 3, INK)
    right = Panel(picture, 460, 45, 310, 240, (-4, 2.5), (-1, 4), "at μ = 0", "ℓ = log σ²", "",
                  (-4, -3, -2, -1, 0, 1, 2), (-1, 0, 1, 2, 3, 4))
    xs = grid(-4, 2.5, 130)
    right.line(xs, [f.kl_standard(0, l) for l in xs], BLUE)
    right.line(xs, [f.kl_standard_dlogvar(0, l) for l in xs], ORANGE, 2, "5 3")
    right.segment((-4, -0.5), (2.5, -0.5), GREY)
    right.text(-3.9, 2.2, "KL  [KL-1]", BLUE)
    right.text(-3.9, 3.0, "∂KL/∂ℓ = ½ expm1(ℓ)  [KL-3]", ORANGE)
    right.text(-3.9, -0.85, "never below −½", GREY)
    return picture


def reparameterisation():
    picture = Picture(800, 330, "A standard normal density pushed through z = mu + sigma eps, and the "
                      "bound of the log variance")
    mu, logvar, eps = 0.5, f.bounded(-0.2, 15), 1.5
    sigma = exp(logvar / 2)
    f.agree("reparameterisation", "z(c=15, sample=0)", mu + sigma * eps)
    left = Panel(picture, 55, 45, 340, 240, (-3.4, 3.4), (-3.6, 4.4), "z = μ + exp(ℓ/2) ε  [REP-2]",
                 "noise ε", "code z", (-3, -2, -1, 0, 1, 2, 3), (-2, 0, 2, 4))
    xs = grid(-3.4, 3.4, 120)
    left.picture.path([left.at(-3.4, -3.6)] + [left.at(e, -3.6 + 4 * f.normal_density(e)) for e in xs]
                      + [left.at(3.4, -3.6)], GREY, 1, fill=GREY, opacity=0.25)
    zs = grid(-3.6, 4.4, 120)
    left.picture.path([left.at(-3.4, -3.6)]
                      + [left.at(-3.4 + 2.6 * f.normal_density(z, mu, sigma), z) for z in zs]
                      + [left.at(-3.4, 4.4)], BLUE, 1, fill=BLUE, opacity=0.25)
    left.line(xs, [mu + sigma * e for e in xs], BLUE, 2.2)
    wider = exp((logvar + 0.8) / 2)
    left.line(xs, [mu + wider * e for e in xs], ORANGE, 1.6, "5 3")
    for e in (-0.5, eps):
        z = mu + sigma * e
        left.segment((e, -3.6), (e, z), INK, 1)
        left.picture.path([left.at(e, z), left.at(-3.35, z)], INK, 1, "3 3", arrow=True)
    left.arrow((eps, mu + sigma * eps), (eps, mu + wider * eps), ORANGE, 1.6)
    left.mark(eps, mu + sigma * eps, BLUE, 3.5)
    left.text(0.42, 3.7, "ℓ + 0.8", ORANGE, anchor="end", dx=28)
    left.text(2.3, 1.5, "μ = 0.5,", BLUE)
    left.text(2.3, 1.0, "ℓ = −0.2", BLUE)
    left.text(1.62, -0.55, "ε = 1.5", INK, dx=2)
    right = Panel(picture, 470, 45, 300, 240, (-6, 6), (-6, 6), "ℓ = c tanh(r / c)  [REP-1]",
                  "r, before the bound", "ℓ", (-6, -4, -2, 0, 2, 4, 6), (-6, -4, -2, 0, 2, 4, 6))
    xs = grid(-6, 6, 120)
    for c, color in ((inf, GREY), (15, BLUE), (2, ORANGE)):
        right.line(xs, [f.bounded(r, c) for r in xs], color, 1.2 if c == inf else 2,
                   "4 3" if c == inf else None)
    for c, color in ((15, BLUE), (2, ORANGE)):
        for sample, r in enumerate((-0.2, 3)):
            f.agree("reparameterisation", f"logvar(c={c}, sample={sample})", f.bounded(r, c))
            right.mark(r, f.bounded(r, c), color, 3.5)
    right.text(5.8, 1.3, "c = 2", ORANGE, anchor="end")
    right.text(5.8, 3.6, "c = 15", BLUE, anchor="end")
    right.text(4.2, 5.3, "c = ∞", GREY, anchor="end")
    slope = 1 - (f.bounded(3, 2) / 2) ** 2
    right.text(5.8, -4.2, f"slope at r = 3, c = 2: {slope:.3f}", ORANGE, anchor="end")
    right.text(5.8, -5.2, f"slope at r = 3, c = 15: {1 - (f.bounded(3, 15) / 15) ** 2:.3f}", BLUE,
               anchor="end")
    return picture


def categorical():
    picture = Picture(820, 300, "Relaxed draws of a class on the simplex at three temperatures")
    l, draws = (0.5, -0.2, 0.1), 300
    q = f.softmax(l)
    for k, value in enumerate(q):
        f.agree("categorical", f"cat_q[{k},0]", value)
    noise = [[f.cat_gumbel(f.uniform(word)) for word in f.words(42, n)[:3]] for n in range(draws)]
    corners, colors = ((20, 190), (220, 190), (120, 17)), (BLUE, ORANGE, GREEN)
    for place, tau in enumerate((2, 0.5, 0.1)):
        left, top = 25 + place * 270, 45
        picture.text(left + 120, 24, f"τ = {tau:g}", anchor="middle", bold=True, size=13)
        picture.path([(left + x, top + y) for x, y in corners], INK, 1, closed=True)
        for k, (x, y) in enumerate(corners):
            picture.text(left + x, top + y + (15 if k < 2 else -5), f"class {k}", colors[k], 11, "middle")
        points = ([], [], [])
        for g in noise:
            a = [(l[k] + g[k]) / tau for k in range(3)]
            y = f.softmax(a)
            points[a.index(max(a))].append(tuple(
                (left, top)[axis] + sum(y[k] * corners[k][axis] for k in range(3)) for axis in (0, 1)))
        for k in range(3):
            picture.dots(points[k], colors[k], 3, 0.6)
    share = [len(part) / draws for part in points]
    picture.text(410, 272, f"The share of the {draws} draws [CAT-6] that are class 0, 1, 2:  "
                 + ", ".join(f"{100 * s:.0f}%" for s in share)
                 + ".    q = softmax(l) [CAT-1]:  " + ", ".join(f"{100 * s:.0f}%" for s in q) + ".",
                 anchor="middle", size=12)
    return picture


def cells(picture, x, y, rows, color=INK, fill="white", width=44, height=22, label=None, size=11):
    """A matrix of numbers with brackets; returns its width."""
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            picture.box(x + j * width, y + i * height, width, height, FAINT, fill, 0.8)
            picture.text(x + (j + 0.5) * width, y + (i + 0.68) * height, minus(f"{value:.4g}"), INK,
                         size, "middle")
    total, tall = width * len(rows[0]), height * len(rows)
    for edge, inner in ((x, x + 5), (x + total, x + total - 5)):
        picture.path([(inner, y - 1), (edge, y - 1), (edge, y + tall + 1), (inner, y + tall + 1)], color,
                     1.6)
    if label:
        picture.text(x + total / 2, y - 7, label, color, 12, "middle", bold=True)
    return total


def times(A, B):
    return [[sum(a * b for a, b in zip(row, column)) for column in zip(*B)] for row in A]


def transposed(A):
    return [list(column) for column in zip(*A)]


def dense():
    picture = Picture(660, 430, "The four products and sums of a dense layer, with the numbers of the "
                      "worked example")
    W, b, x = [[1, -2, 0.5], [0, 1.5, -1]], [[0.1], [-0.2]], [[1, -1], [0, 0.5], [2, 1]]
    dy, ones = [[1, -0.5], [2, 0.25]], [[1, 1]]
    y = [[p + q for p, q in zip(*rows)] for rows in zip(times(W, x), times(b, ones))]
    dW, db, dx = times(dy, transposed(x)), times(dy, transposed(ones)), times(transposed(W), dy)
    for name, matrix in (("y", y), ("dW", dW), ("dx", dx)):
        for i, row in enumerate(matrix):
            for j, value in enumerate(row):
                f.agree("dense", f"{name}[{i},{j}]", value)
    for i, (value,) in enumerate(db):
        f.agree("dense", f"db[{i}]", value)
    blue, orange = "#e8f2f9", "#fdeee3"

    def line(top, tag, result, *parts):
        """result = product of parts, which are (label, rows, color, fill) or a sign."""
        picture.text(20, top + 26, tag, GREY, 12)
        left = 95
        for part in [result, "=", *parts]:
            if isinstance(part, str):
                picture.text(left + 8, top + 26, part, INK, 14, "middle")
                left += 22
            else:
                label, rows, color, fill = part
                left += cells(picture, left, top + 22 - 11 * len(rows), rows, color, fill,
                              label=label) + 6

    line(70, "[DEN-1]", ("y", y, BLUE, blue), ("W", W, INK, "white"), ("x", x, INK, "white"), "+",
         ("b 1ᵀ", times(b, ones), INK, "white"))
    line(180, "[DEN-2]", ("dW", dW, ORANGE, orange), ("dy", dy, ORANGE, orange),
         ("xᵀ", transposed(x), INK, "white"))
    line(275, "[DEN-3]", ("db", db, ORANGE, orange), ("dy", dy, ORANGE, orange),
         ("1", transposed(ones), INK, "white"))
    line(370, "[DEN-4]", ("dx", dx, ORANGE, orange), ("Wᵀ", transposed(W), INK, "white"),
         ("dy", dy, ORANGE, orange))
    for top, text in ((96, "forward"), (300, "backward")):
        picture.text(640, top, text, BLUE if text == "forward" else ORANGE, 13, "end", bold=True)
    return picture


def dropout():
    picture = Picture(800, 290, "A dropout mask in forward and backward, and the variance it adds")
    p, x, m, dy = 0.25, [[2, -1], [0.5, 4]], [[1, 0], [1, 1]], [[0.3, -0.6], [0.9, 1.2]]

    def dropped(values):
        return [[k * v / (1 - p) + 0.0 for k, v in zip(*rows)] for rows in zip(m, values)]

    for name, matrix in (("y", dropped(x)), ("dx", dropped(dy))):
        for i, row in enumerate(matrix):
            for j, value in enumerate(row):
                f.agree("dropout", f"{name}[{i},{j}]", value)
    for top, tag, result, given, color, fill in (
            (75, "[DRO-1]", ("y", dropped(x)), ("x", x), BLUE, "#e8f2f9"),
            (185, "[DRO-2]", ("dx", dropped(dy)), ("dy", dy), ORANGE, "#fdeee3")):
        picture.text(15, top + 27, tag, GREY, 12)
        cells(picture, 80, top, result[1], color, fill, label=result[0])
        picture.text(182, top + 27, "=", INK, 14, "middle")
        cells(picture, 197, top, m, PURPLE, "#f3ecf6", width=34, label="mask m")
        picture.text(277, top + 27, "⊙", INK, 14, "middle")
        cells(picture, 291, top, given[1], INK, label=given[0])
        picture.text(388, top + 27, "/ (1 − p)", INK, 12)
    picture.text(80, 258, "p = 0.25. Forward and backward have the same mask and the same factor 4/3.", INK, 11.5)
    panel = Panel(picture, 545, 45, 225, 180, (0, 0.9), (0, 4), "variance added: Var[y] / x²",
                  "probability p of dropping", "", (0, 0.25, 0.5, 0.75), (0, 1, 2, 3, 4))
    ps = grid(0, 0.85, 85)
    panel.line(ps, [v / (1 - v) for v in ps], PURPLE)
    for v in (0.25, 0.5):
        panel.mark(v, v / (1 - v), PURPLE)
        panel.text(v, v / (1 - v), f"{v / (1 - v):.2g}", PURPLE, dx=-7, dy=-7, anchor="end")
    panel.text(0.05, 3.4, "p / (1 − p)", PURPLE)
    return picture


def elbo():
    picture = Picture(880, 380, "Forward and backward of a variational autoencoder with the tags of its "
                      "equations")
    row, kl_row = 165, 305
    names = [("x", 34), ("encoder", 62), ("μ; r", 44), ("μ; ℓ", 44), ("z", 34), ("decoder", 62),
             ("a", 34), ("NLL", 44), ("L", 34)]
    gap = (860 - sum(width for _, width in names)) / (len(names) - 1)
    centers, left = {}, 10
    for name, width in names:
        centers[name] = (left, left + width)
        left += width + gap

    def forward(start, end, tags, y=row - 9):
        picture.path([(start, y), (end, y)], BLUE, 1.8, arrow=True)
        for k, tag in enumerate(reversed(tags)):
            picture.text((start + end) / 2, y - 7 - 13 * k, tag, BLUE, 10, "middle")

    def backward(start, end, tags, y=row + 9):
        picture.path([(start, y), (end, y)], ORANGE, 1.8, arrow=True)
        for k, tag in enumerate(tags):
            picture.text((start + end) / 2, y + 14 + 13 * k, tag, ORANGE, 10, "middle")

    def node(x0, x1, y, text, color=INK, fill="white"):
        picture.box(x0, y - 19, x1 - x0, 38, color, fill, 1.4, 6)
        picture.text((x0 + x1) / 2, y + 4.5, text, color, 12, "middle", bold=True)

    steps = [("x", "encoder", [], None), ("encoder", "μ; r", ["[ELBO-6]"], ["[ELBO-9]"]),
             ("μ; r", "μ; ℓ", ["[REP-1]"], ["[REP-5]", "after the join"]),
             ("μ; ℓ", "z", ["[REP-2]"], ["[REP-3]", "[REP-4]"]), ("z", "decoder", [], ["[ELBO-4]"]),
             ("decoder", "a", ["[ELBO-7]"], ["[ELBO-9]"]),
             ("a", "NLL", ["[BER-2]", "or [GAU-1]"], ["[ELBO-8]", "[BER-3]", "or [GAU-2]"]),
             ("NLL", "L", ["[ELBO-1]"], ["[ELBO-2]", "w / N"])]
    for source, target, tags, back in steps:
        start, end = centers[source][1] + 2, centers[target][0] - 2
        forward(start, end, tags)
        if back is not None:
            backward(end, start, back)
    for name, _ in names:
        trained = name in ("encoder", "decoder")
        node(*centers[name], row, name, PURPLE if trained else INK, "#f3ecf6" if trained else "white")
    # Noise, target and parameters.
    middle = {name: sum(centers[name]) / 2 for name in centers}
    between = (centers["μ; ℓ"][1] + centers["z"][0]) / 2
    picture.path([(between, 78), (between, row - 33)], BLUE, 1.4, "3 3", arrow=True)
    picture.text(between, 70, "noise ε", BLUE, 11.5, "middle")
    picture.path([(middle["NLL"], 78), (middle["NLL"], row - 21)], BLUE, 1.4, "3 3", arrow=True)
    picture.text(middle["NLL"], 70, "target t", BLUE, 11.5, "middle")
    for name in ("encoder", "decoder"):
        picture.path([(middle[name], row - 21), (middle[name], 100)], ORANGE, 1.8, arrow=True)
        picture.text(middle[name], 90, "dθ += …", ORANGE, 11.5, "middle")
        picture.text(middle[name], 76, "[DEN-2] [DEN-3]", ORANGE, 10, "middle")
    # The divergence: below, from (mu; l) to L.
    kl = (430, 490)
    corner, last = middle["μ; ℓ"], middle["L"]
    picture.path([(corner - 8, row + 21), (corner - 8, kl_row + 9), (kl[0] - 2, kl_row + 9)], BLUE, 1.8,
                 arrow=True)
    picture.path([(kl[0] - 2, kl_row - 9), (corner + 8, kl_row - 9), (corner + 8, row + 21)], ORANGE, 1.8,
                 arrow=True)
    picture.path([(kl[1] + 2, kl_row + 9), (last + 8, kl_row + 9), (last + 8, row + 21)], BLUE, 1.8,
                 arrow=True)
    picture.path([(last - 8, row + 21), (last - 8, kl_row - 9), (kl[1] + 2, kl_row - 9)], ORANGE, 1.8,
                 arrow=True)
    node(*kl, kl_row, "KL")
    picture.text((corner + kl[0]) / 2, kl_row + 24, "[KL-1]", BLUE, 10, "middle")
    picture.text((corner + kl[0]) / 2 + 4, kl_row - 16, "[KL-2] [KL-3]", ORANGE, 10, "middle")
    picture.text((last + kl[1]) / 2, kl_row + 24, "[ELBO-1], weight β", BLUE, 10, "middle")
    picture.text((last + kl[1]) / 2, kl_row - 16, "[ELBO-3]  β w / N", ORANGE, 10, "middle")
    picture.circle(corner + 8, row + 40, 4, ORANGE, ORANGE)
    picture.text(corner - 16, row + 62, "join [ELBO-4]", ORANGE, 10, "end")
    picture.path([(10, 22), (45, 22)], BLUE, 1.8, arrow=True)
    picture.text(52, 26, "forward")
    picture.path([(155, 22), (120, 22)], ORANGE, 1.8, arrow=True)
    picture.text(162, 26, "backward: gradients of the loss L")
    picture.box(390, 13, 22, 18, PURPLE, "#f3ecf6", 1.4, 4)
    picture.text(419, 26, "has parameters")
    picture.text(870, 368, "Nothing is sent to x: it is data.", GREY, 11.5, "end")
    return picture


def adversarial():
    picture = Picture(800, 310, "What a code's logit costs and how hard it pulls, for two objectives of "
                      "the encoder")
    xs = grid(-8, 8, 160)
    sides = []
    for place, (low, high, ticks, title) in enumerate((
            (-8, 8, (-8, -4, 0, 4, 8), "the encoder's term in nats"),
            (-1.1, 0.1, (-1, -0.75, -0.5, -0.25, 0), "its derivative by the logit d"))):
        panel = Panel(picture, 55 + place * 395, 45, 320, 220, (-8, 8), (low, high), title,
                      "discriminator's logit d of a code", "", (-8, -6, -4, -2, 0, 2, 4, 6, 8), ticks)
        corner, end = panel.at(-8, high), panel.at(0, low)
        picture.path([corner, (end[0], corner[1]), end, (corner[0], end[1])], GREY, 0, fill=GREY,
                     opacity=0.12, closed=True)
        sides.append(panel)
    left, right = sides
    left.line(xs, [f.bernoulli_nll(d, 1) for d in xs], BLUE)
    left.line(xs, [-f.bernoulli_nll(d, 0) for d in xs], ORANGE, 2, "6 3")
    right.line(xs, [f.bernoulli_da(d, 1) for d in xs], BLUE)
    right.line(xs, [-f.bernoulli_da(d, 0) for d in xs], ORANGE, 2, "6 3")
    left.text(-2.2, 3.4, "fooled, −log s(d)  [ADV-6]", BLUE)
    left.text(-0.3, -6.6, "minus fake, log(1 − s(d))", ORANGE, anchor="end")
    left.text(-7.8, -2.6, "says “fake”", GREY)
    left.text(7.8, 2.0, "says “real”", GREY, anchor="end")
    for value, color in ((f.bernoulli_da(-6, 1), BLUE), (-f.bernoulli_da(-6, 0), ORANGE)):
        right.mark(-6, value, color)
        right.text(-6, value, minus(f"{value:.4f}"), color, dx=8, dy=-6 if value > -0.5 else -15)
    right.text(-7.8, -0.55, f"at d = −6 the ratio is {f.bernoulli_da(-6, 1) / -f.bernoulli_da(-6, 0):.0f}",
               INK)
    right.text(7.8, -0.14, "s − 1", BLUE, anchor="end")
    right.text(7.8, -0.88, "−s", ORANGE, anchor="end")
    return picture


def optimizers():
    picture = Picture(880, 300, "Adam's bias correction, five optimizers on one parameter, and schedules")
    left = Panel(picture, 50, 45, 225, 210, (0, 4), (0, 7), "Adam, constant gradient", "step t",
                 "step length / η", [(k, str(10 ** k)) for k in range(5)], (0, 1, 2, 3, 4, 5, 6, 7))
    steps = 10000
    for corrected, color, dash in ((False, RED, None), (True, BLUE, None)):
        theta = [0.0] + f.adam([1.0] * steps, 0.0, 1.0, corrected=corrected)
        ts = sorted({round(10 ** (k / 40)) for k in range(161)})
        left.line([math.log10(t) for t in ts], [theta[t - 1] - theta[t] for t in ts], color, 2, dash)
        first = theta[0] - theta[1]
        left.mark(0, first, color)
        left.text(0, first, f"{first:.2f}", color, dx=8, dy=-5 if corrected else 10)
    left.text(1.75, 6.2, "m / √v", RED)
    left.text(1.2, 0.45, "with [OPT-5]’s corrections", BLUE)
    gradients = (0.5, -1, 0.25)
    middle = Panel(picture, 350, 45, 205, 210, (0, 3), (-0.1, 1.2), "three steps of the example",
                   "step", "θ", (0, 1, 2, 3), (0, 0.25, 0.5, 0.75, 1))
    for name, path, color, dy in (("SGD", f.sgd(gradients, 1, 0.1), GREEN, -8),
                                  ("momentum", f.momentum(gradients, 1, 0.1), ORANGE, 0),
                                  ("Adam", f.adam(gradients, 1, 0.1), BLUE, 0),
                                  ("RMSprop", f.rmsprop(gradients, 1, 0.1), PURPLE, 0)):
        for step, theta in enumerate(path, start=1):
            f.agree("optimizers", f"{name.lower()}_theta[{step}]", theta)
        middle.line((0, 1, 2, 3), (1, *path), color)
        for step, theta in enumerate(path, start=1):
            middle.mark(step, theta, color, 2.5)
    middle.text(1.95, 1.12, "SGD", GREEN, anchor="middle")
    middle.text(0.2, 1.06, "momentum", ORANGE)
    middle.text(1.5, 0.78, "Adam", BLUE)
    middle.text(1.15, 0.1, "RMSprop", PURPLE, dx=4)
    right = Panel(picture, 630, 45, 220, 210, (0, 100), (0, 0.11), "schedules, η = 0.1", "steps made, t",
                  "", (0, 25, 50, 75, 100), (0, 0.025, 0.05, 0.075, 0.1))
    ts = range(101)
    right.line(ts, [0.1] * 101, GREY, 1.6)
    right.line(ts, [f.cosine_lr(0.1, 100, t) for t in ts], BLUE)
    for k in range(10):
        right.line((10 * k, 10 * k + 10), [f.step_lr(0.1, 0.5, 10, 10 * k)] * 2, ORANGE)
    right.text(60, 0.102, "[OPT-11]", GREY)
    right.text(56, 0.05, "cosine [OPT-13]", BLUE)
    right.text(21, 0.037, "steps [OPT-12]", ORANGE)
    right.text(21, 0.029, "γ = ½, s = 10", ORANGE)
    return picture


def noise():
    picture = Picture(780, 385, "Box and Muller: points of the square become normal points of the plane")
    colors = (BLUE, ORANGE, GREEN, PURPLE)
    left = Panel(picture, 60, 45, 290, 290, (0, 4), (0, 1), "two uniform numbers of a block", "q + a + ½, "
                 "the angle in quarter turns", "u", (0, 1, 2, 3, 4), (0, 0.25, 0.5, 0.75, 1))
    right = Panel(picture, 450, 45, 290, 290, (-3.6, 3.6), (-3.6, 3.6), "two normal numbers  [NOI-3]",
                  "z₀", "z₁", (-3, -2, -1, 0, 1, 2, 3), (-3, -2, -1, 0, 1, 2, 3))
    square, plane = ([], [], [], []), ([], [], [], [])
    for sample in range(400):
        first, second = f.words(42, sample)[:2]
        u, turn, z0, z1 = f.box_muller(first, second)
        quarter = second >> 30
        square[quarter].append((turn + 0.5, u))
        plane[quarter].append((z0, z1))
    for k in range(4):
        left.dots(square[k], colors[k], 3.2)
        right.dots(plane[k], colors[k], 3.2)
    level = exp(-0.5)  # u at the radius 1
    left.segment((0, level), (4, level), INK, 1.2, "5 3")
    right.picture.path([right.at(math.cos(pi * k / 40), math.sin(pi * k / 40)) for k in range(81)], INK,
                       1.2, "5 3")
    left.text(3.95, level, f"u = {level:.4f}", INK, dy=-4, anchor="end", bold=True)
    right.text(0.75, 0.75, "r = 1", INK, dx=2, dy=-4, bold=True)
    return picture


def input_transform():
    picture = Picture(780, 360, "Two features in their own units and after each transform")
    x = ((2, 4, 9), (10, 30, 20))
    flat = [value for row in x for value in row]
    low, high = min(flat), max(flat)
    means = [sum(row) / 3 for row in x]
    deviations = [sqrt(sum((v - m) ** 2 for v in row) / 3) for row, m in zip(x, means)]
    kinds = (("none", (0, 0), (1, 1), (-2, 34), (0, 10, 20, 30)),
             ("unit", (low,) * 2, (high - low,) * 2, (-0.15, 1.15), (0, 0.25, 0.5, 0.75, 1)),
             ("symmetric", ((low + high) / 2,) * 2, ((high - low) / 2,) * 2, (-1.3, 1.3), (-1, -0.5, 0, 0.5, 1)),
             ("standardize", means, deviations, (-1.9, 1.9), (-1, 0, 1)))
    for place, (kind, shift, scale, limits, ticks) in enumerate(kinds):
        panel = Panel(picture, 130, 50 + place * 76, 620, 40, limits, (0, 2), xticks=ticks)
        picture.text(20, 75 + place * 76, kind, INK, 13, bold=True)
        for i, color in enumerate((BLUE, ORANGE)):
            for j, value in enumerate(x[i]):
                y = (value - shift[i]) / scale[i]
                if kind != "none":
                    f.agree("input_transform", f"{kind}_y[{i},{j}]", y)
                panel.mark(y, 1.45 - 0.9 * i, color, 5, color)
                panel.text(y, 1.45 - 0.9 * i, str(j), "white", dy=3.2, anchor="middle", size=9)
    for i, color in enumerate((BLUE, ORANGE)):
        picture.circle(140 + 150 * i, 22, 5, color, color)
        picture.text(152 + 150 * i, 26, f"feature {i}: " + ", ".join(map(str, x[i])))
    picture.text(750, 26, "The number in a dot is the sample.", GREY, 11.5, "end")
    return picture


def pitfalls():
    picture = Picture(880, 300, "Three wrong lines and their size")
    D, J, N = 784, 2, 128
    bars = (("sum, sum", 1), ("mean, mean", D / J), ("mean, sum", D), ("all in one mean,", D * N))
    left = Panel(picture, 110, 45, 160, 210, (0, 8), (0, 4), "hidden β, at D = 784, J = 2", "β",
                 "", [(k, f"10{'⁰¹²³⁴⁵⁶⁷⁸'[k]}") for k in (0, 2, 4, 6, 8)], ())
    for k, (name, beta) in enumerate(bars):
        y = 3.55 - k
        (x0, y0), (x1, _) = left.at(0, y + 0.28), left.at(max(math.log10(beta), 0.04), y)
        picture.box(x0, y0, x1 - x0, 29, BLUE if beta == 1 else RED, BLUE if beta == 1 else RED, 0)
        left.text(0, y, name, INK, dx=-6, dy=4 if k < 3 else -2, anchor="end")
        left.text(math.log10(beta), y, f"{beta:,.0f}", INK, dx=5, dy=4)
    left.text(0, 0.55, "sum (N = 128)", INK, dx=-6, dy=12, anchor="end")
    middle = Panel(picture, 350, 45, 210, 210, (-4, 2), (-0.4, 3), "noise added to z, per unit of ε",
                   "ℓ = log σ²", "", (-4, -3, -2, -1, 0, 1, 2), (0, 1, 2, 3))
    xs = grid(-4, 2, 120)
    middle.line(xs, [exp(l / 2) for l in xs], BLUE)
    middle.line(xs, [exp(l) for l in xs], RED, 2, "6 3")
    for value, color, dy in ((exp(-1), BLUE, -8), (exp(-2), RED, 14)):
        middle.mark(-2, value, color)
        middle.text(-2, value, f"{value:.3f}", color, dy=dy + 2 * (dy > 0), anchor="middle")
    middle.text(-3.8, 1.6, "exp(ℓ/2), a deviation", BLUE)
    middle.text(-3.8, 2.4, "exp(ℓ), a variance", RED)
    right = Panel(picture, 640, 45, 210, 210, (-5, 5), (0, 12), "nll at standard deviation 1",
                  "residual m − t", "", (-4, -2, 0, 2, 4), (0, 3, 6, 9, 12))
    xs = grid(-5, 5, 100)
    scale = 1 / sqrt(2)  # a Laplace distribution of variance 2 scale²

    def laplace(r):
        return abs(r) / scale + log(2 * scale)

    right.line(xs, [f.gaussian_nll(r, 0, 1) for r in xs], BLUE)
    right.line(xs, [laplace(r) for r in xs], RED, 2, "6 3")
    for value, color, dy in ((f.gaussian_nll(4, 0, 1), BLUE, 3), (laplace(4), RED, 18)):
        right.mark(4, value, color)
        right.text(4, value, f"{value:.3f}", color, dx=-8 if color == BLUE else 4, dy=dy,
                   anchor="end" if color == BLUE else "middle")
    right.text(0, 11.0, "squared: Gaussian", BLUE, anchor="middle")
    right.text(0, 9.9, "absolute: Laplace", RED, anchor="middle")
    return picture


def batch_changes():
    picture = Picture(880, 405, "The changes of a batch in their order, and a picture that is moved")
    # The order: what input and target share, then what the input alone is given.
    shared = (("bytes", "b / 255", INK), ("dequantise", "[CHG-1]", BLUE), ("move", "[CHG-2] [CHG-3]", ORANGE),
              ("model’s units", "[INP-1]", BLUE), ("noise", "[CHG-4]", ORANGE),
              ("binarise", "[CHG-5] [CHG-6]", BLUE), ("target t", "", INK))
    alone = (("noise", "[CHG-4]"), ("mask", "[CHG-7]"), ("salt", "[CHG-8]"), ("input x", ""))
    width, gap, top, below = 104, 22, 38, 118

    def box(place, y, name, tag, color, fill):
        left = 10 + place * (width + gap)
        picture.box(left, y, width, 40, color, fill, 1.4, 6)
        picture.text(left + width / 2, y + (17 if tag else 24.5), name, color, 12, "middle", bold=True)
        if tag:
            picture.text(left + width / 2, y + 32, tag, color, 10, "middle")

    for k, (name, tag, color) in enumerate(shared):
        box(k, top, name, tag, color, "#fdeee3" if color == ORANGE else "white")
        if k:
            end = 10 + k * (width + gap)
            picture.path([(end - gap + 1, top + 20), (end - 1, top + 20)], INK, 1.6, arrow=True)
    for k, (name, tag) in enumerate(alone, start=3):
        box(k, below, name, tag, PURPLE if tag else INK, "#f3ecf6" if tag else "white")
        end = 10 + k * (width + gap)
        if k > 3:
            picture.path([(end - gap + 1, below + 20), (end - 1, below + 20)], PURPLE, 1.6, arrow=True)
    middle, first = 10 + 5 * (width + gap) + width / 2, 10 + 3 * (width + gap)
    picture.path([(middle, top + 41), (middle, 98), (first - 16, 98), (first - 16, below + 20),
                  (first - 1, below + 20)], PURPLE, 1.6, arrow=True)
    picture.text(10, 22, "orange: in training alone", ORANGE, 11.5)
    picture.text(10, below + 17, "violet: for the input of a", PURPLE, 11.5)
    picture.text(10, below + 32, "denoising model alone", PURPLE, 11.5)
    # A picture and what becomes of it.
    x = [[(3 * h + w + 1) / 10 for w in range(3)] for h in range(3)]
    results = (("shifted", "right by 1", {"right": f.chg_shift(1, 0.9)}),
               ("quarter", "a quarter turn", {"turn": f.chg_turn(2, 0.75)}),
               ("eighth", "an eighth turn", {"turn": f.chg_turn(1, 0.75)}))
    panel = Panel(picture, 35, 185, 195, 195, (-0.9, 2.9), (2.9, -0.9), "", frame=False)
    corner, end = panel.at(-0.5, -0.5), panel.at(2.5, 2.5)
    picture.box(*corner, end[0] - corner[0], end[1] - corner[1], INK, "white", 1.2)
    for k in (0.5, 1.5):
        panel.segment((k, -0.5), (k, 2.5), FAINT, 1, None)
        panel.segment((-0.5, k), (2.5, k), FAINT, 1, None)
    pixels = [(h, w) for h in range(3) for w in range(3)]
    for h, w in pixels:
        panel.text(w, h, f"{x[h][w]:g}", GREY, dx=3, dy=-3, size=10, halo=False)
        panel.mark(w, h, GREY, 1.2, GREY)
    for h, w in pixels:
        column, row = f.chg_place((3, 3), h, w, **results[2][2])
        picture.circle(*panel.at(column, row), 4, ORANGE, "none", 1.6)
    column, row = f.chg_place((3, 3), 0, 0, **results[2][2])
    panel.text(column, row, "(0, 0)", ORANGE, dx=-8, dy=4, anchor="end", size=10)
    column, row = f.chg_place((3, 3), 0, 2, **results[2][2])
    panel.text(column, row, "(0, 2)", ORANGE, dx=0, dy=-8, anchor="middle", size=10)
    picture.text(132.5, 391, "places of an eighth turn", ORANGE, 11.5, "middle")
    for place, (name, label, move) in enumerate(results):
        moved = f.chg_moved(x, **move)
        for h, row in enumerate(moved):
            for w, value in enumerate(row):
                f.agree("batch_changes", f"chg_{name}[{h},{w}]", value)
        left = 275 + place * 205
        cells(picture, left, 244, [[float(f"{v:.3g}") for v in row] for row in moved], ORANGE, "#fdeee3",
              width=46, height=26, label=label)
    return picture


def importance():
    picture = Picture(880, 348, "Draws from the encoder weighed by the posterior of what was observed, and "
                      "the bound over the number of draws")
    model, draws = f.IMP, 20
    mean, variance = f.imp_posterior_mean(1.5, 1, 0.5), f.imp_posterior_variance(1, 0.5)
    left = Panel(picture, 60, 60, 420, 240, (-1, 2.5), (-0.55, 0.9),
                 f"{draws} draws of z, each with its weight", "code z", "density",
                 (-1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5), (0, 0.2, 0.4, 0.6, 0.8))
    zs = grid(-1, 2.5, 140)
    left.segment((-1, 0), (2.5, 0), INK, 0.8, None)
    left.line(zs, [f.normal_density(z, model["mu"], model["sigma"]) for z in zs], BLUE, 2.2, "6 3")
    left.line(zs, [f.normal_density(z, mean, sqrt(variance)) for z in zs], ORANGE, 2.2)
    eps = [f.box_muller(*f.words(42, 0, stream=4, draw=k)[:2])[2] for k in range(draws)]  # as evaluated
    z = [model["mu"] + model["sigma"] * e for e in eps]
    b = [f.imp_b(eps=e, **model) for e in eps]
    weights = f.softmax(b)
    rows = {k: place % 4 for place, k in enumerate(sorted(range(draws), key=lambda k: z[k]))}
    for k in range(draws):
        x, y = left.at(z[k], -0.09 - 0.105 * rows[k])
        left.segment((z[k], 0), (z[k], 0.025), INK, 1, None)
        picture.circle(x, y, f"{28 * sqrt(weights[k]):.1f}", INK, GREY, 0.8)
    found, plain = sum(w * v for w, v in zip(weights, z)), sum(z) / draws
    for at, color, dash in ((plain, BLUE, "6 3"), (found, INK, "2 2")):
        left.segment((at, -0.55), (at, 0.9), color, 1.2, dash)
    left.text(plain, 0.84, minus(f"mean {plain:.2f}"), BLUE, dx=-5, anchor="end")
    left.text(found, 0.84, minus(f"weighted {found:.2f}"), INK, dx=5)
    left.text(-0.05, 0.52, "encoder q", BLUE, dx=-6, anchor="end")
    left.text(1.55, 0.56, "posterior of what", ORANGE)
    left.text(1.55, 0.56, "was observed", ORANGE, dy=14)
    left.text(-0.95, -0.5, f"{1 / sum(w * w for w in weights):.1f} effective draws  [IMP-6]", INK)
    for k, share in enumerate((0.4, 0.1, 0.01)):
        x = 120 + 120 * k
        picture.circle(x, 22, f"{28 * sqrt(share):.1f}", INK, GREY, 0.8)
        picture.text(x + 21, 26, f"w = {share:g}", INK, 11.5)
    right = Panel(picture, 570, 60, 280, 240, (0, 3), (-2.4, -1.8), "the bound  [IMP-1]", "draws S",
                  "nats", [(k, str(10 ** k)) for k in range(4)], (-2.4, -2.2, -2, -1.8))
    exact = f.imp_log_p(1.5, 1, 0.5)
    right.segment((0, exact), (3, exact), INK, 1.2, "5 3")
    counts = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
    bounds = [f.imp_bound(count) for count in counts]
    right.line([math.log10(count) for count in counts], bounds, BLUE)
    for count, value in zip(counts, bounds):
        if count in (1, 2, 3, 10, 100, 1000):
            right.mark(math.log10(count), value, BLUE, 3.5)
    right.text(0, bounds[0], minus(f"{bounds[0]:.2f}, the ELBO"), BLUE, dx=9, dy=6)
    right.text(3, exact, minus(f"log p = {exact:.2f}"), INK, dx=-4, dy=-6, anchor="end")
    return picture


def solved(A, b):
    """x with A x = b, by elimination; A is positive definite."""
    rows = [[*row, value] for row, value in zip(A, b)]
    for k, pivot in enumerate(rows):
        for row in rows[k + 1:]:
            factor = row[k] / pivot[k]
            row[k:] = [v - factor * p for v, p in zip(row[k:], pivot[k:])]
    x = []
    for k in range(len(rows) - 1, -1, -1):
        x.insert(0, (rows[k][-1] - sum(a * v for a, v in zip(rows[k][k + 1:-1], x))) / rows[k][k])
    return x


def logistic_regression(points, labels, classes):
    """Rows (weights, bias) of the classes, with a penalty of 1 / n, by Newton's method."""
    inputs, width, n = [(*z, 1.0) for z in points], len(points[0]) + 1, len(points)
    theta = [[0.0] * width for _ in range(classes)]
    size = classes * width
    for _ in range(12):
        g = [value / n for row in theta for value in row]
        H = [[(i == j) / n for j in range(size)] for i in range(size)]
        for x, label in zip(inputs, labels):
            p = f.softmax([sum(a * b for a, b in zip(row, x)) for row in theta])
            for i in range(size):
                k, a = divmod(i, width)
                g[i] += (p[k] - (k == label)) * x[a] / n  # [CLS-3]
                for j in range(size):
                    m, b = divmod(j, width)
                    H[i][j] += p[k] * ((k == m) - p[m]) * x[a] * x[b] / n
        step = solved(H, g)
        theta = [[v - step[k * width + a] for a, v in enumerate(row)] for k, row in enumerate(theta)]
    return theta


def classifier():
    picture = Picture(880, 325, "The cost of a logit under a softmax, its slope, and a classifier of codes in "
                      "the plane")
    rest = {"l1": -0.2, "l2": 0.1}  # the worked example, with another l0
    left = Panel(picture, 50, 45, 205, 220, (-4, 4), (0, 5), "cost  [CLS-2]", "logit of class 0", "nats",
                 (-4, -2, 0, 2, 4), (0, 1, 2, 3, 4, 5))
    middle = Panel(picture, 315, 45, 205, 220, (-4, 4), (-1.1, 1.1), "its slope, p − y  [CLS-3]",
                   "logit of class 0", "", (-4, -2, 0, 2, 4), (-1, -0.5, 0, 0.5, 1))
    xs = grid(-4, 4, 120)
    for label, color in ((0, BLUE), (1, ORANGE)):
        left.line(xs, [f.class_nll(label, l0=x, **rest) for x in xs], color)
        middle.line(xs, [f.class_dlogit(0, label, 1, l0=x, **rest) for x in xs], color)
        cost, slope = f.class_nll(label, l0=0.5, **rest), f.class_dlogit(0, label, 1, l0=0.5, **rest)
        left.segment((0.5 - 1.3, cost - 1.3 * slope), (0.5 + 1.3, cost + 1.3 * slope), INK, 1.1, None)
        for panel, value in ((left, cost), (middle, slope)):
            panel.mark(0.5, value, color)
        side = {"dx": -6, "dy": -6, "anchor": "end"} if label else {"dx": 8, "dy": -6}
        left.text(0.5, cost, f"{cost:.2f}", color, **side)
        middle.text(0.5, slope, minus(f"{slope:.2f}"), color, **{**side, "dy": -6 if label else 11})
    left.text(-3.3, 4.45, "sample of class 0", BLUE)
    left.text(2.75, 3.25, "of class 1", ORANGE, anchor="end")
    middle.text(-3.8, -0.75, "of class 0", BLUE)
    middle.text(3.8, 0.6, "of class 1", ORANGE, anchor="end")
    # Codes of three classes, from the generator, and the minimum of the objective of longhand probe.
    counts, middles, spread = (44, 30, 26), ((-0.9, -0.35), (0.95, -0.55), (0.25, 1.15)), 0.62
    points, labels = [], []
    for label, count in enumerate(counts):
        for _ in range(count):
            e = f.box_muller(*f.words(42, len(points))[:2])[2:]
            points.append(tuple(m + spread * v for m, v in zip(middles[label], e)))
            labels.append(label)
    theta = logistic_regression(points, labels, 3)
    panel = Panel(picture, 590, 45, 260, 220, (-2.6, 2.6), (-2.2, 2.9), "three classes of codes", "z₀", "",
                  (-2, -1, 0, 1, 2), (-2, -1, 0, 1, 2))
    picture.text(560, 155, "z₁", anchor="middle", size=11.5)
    colors = (BLUE, ORANGE, GREEN)

    def place(k, others, leads):
        """The code at which class k leads each of the two others by these differences of logits."""
        (a, b, c), (d, e, g) = ([u - v for u, v in zip(theta[k], theta[m])] for m in others)
        determinant = a * e - b * d
        right = leads[0] - c, leads[1] - g
        return ((right[0] * e - b * right[1]) / determinant, (a * right[1] - right[0] * d) / determinant)

    for k, color in enumerate(colors):
        others = [m for m in range(3) if m != k]
        corner = [place(k, others, leads) for leads in ((0, 60), (0, 0), (60, 0))]
        picture.path([panel.at(*at) for at in corner], color, 0, fill=color, opacity=0.13, clip=panel.clip,
                     closed=True)
        if k < 2:  # the borders of class 0, then the one between 1 and 2
            picture.path([panel.at(*at) for at in corner[k:]], INK, 1.1, clip=panel.clip)
        # p_k = 0.9: the odds of the two others have the sum 1 / 9.
        line = [place(k, others, (log(9) + f.softplus(-t), log(9) + f.softplus(t))) for t in grid(-40, 40, 160)]
        picture.path([panel.at(*at) for at in line], color, 1.2, "4 3", clip=panel.clip)
    right = 0
    for z, label in zip(points, labels):
        logits = {f"l{k}": row[0] * z[0] + row[1] * z[1] + row[2] for k, row in enumerate(theta)}
        told = f.class_right(label, **logits)
        right += told
        panel.mark(*z, colors[label] if told else INK, 3, colors[label])
    picture.text(720, 317, f"accuracy [CLS-4] {right / len(points):.2f}, of always saying blue "
                 f"{max(counts) / len(points):.2f}", anchor="middle", size=11.5)
    return picture


FIGURES = (activations, adversarial, batch_changes, bernoulli, categorical, classifier, dense, dropout, elbo,
           gaussian, gaussian_kl, importance, input_transform, noise, optimizers, pitfalls, reparameterisation)
NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)")


def same(drawn, kept):
    """The same text, whose numbers may differ by one in the last digit (another C library's exp)."""
    drawn, kept = NUMBER.split(drawn), NUMBER.split(kept)
    return drawn[::2] == kept[::2] and all(
        abs(float(p) - float(q)) <= 0.11 for p, q in zip(drawn[1::2], kept[1::2]))


def main(arguments):
    compared = f.check()
    problems = []
    for figure in FIGURES:
        path, drawn = FOLDER / f"{figure.__name__}.svg", figure().svg()
        if arguments == ["--check"]:
            if not path.exists() or not same(drawn, path.read_text(encoding="utf-8")):
                problems.append(f"docs/images/derivations/{path.name} is not what tools/figures draws")
        else:
            FOLDER.mkdir(exist_ok=True)
            path.write_text(drawn, encoding="utf-8")
    for page in sorted(f.PAGES.glob("*.md")):
        if "](../images/derivations/" not in page.read_text(encoding="utf-8"):
            problems.append(f"docs/derivations/{page.name} shows no figure")
    for problem in problems:
        print(problem)
    print(f"{len(FIGURES)} figures, {compared} numbers of the pages compared, {len(problems)} problems")
    return 1 if problems and arguments == ["--check"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
