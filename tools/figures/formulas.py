# SPDX-License-Identifier: MIT
"""The formulas of docs/derivations that the figures draw, under the names of the worked numbers.

`check()` computes every worked number whose name is a function of this file and compares it with its
page, so that a figure cannot show another formula than the page states.
"""

import math
import pathlib
import re
from math import erf, exp, expm1, inf, log, log1p, pi, sqrt

PAGES = pathlib.Path(__file__).resolve().parents[2] / "docs" / "derivations"


# ---- activations ----

def sigmoid(a):
    return 1 / (1 + exp(-a)) if a > 0 else exp(a) / (1 + exp(a))


def sigmoid_gradient(a, dy):
    return dy * sigmoid(a) * (1 - sigmoid(a))


def relu(a):
    return 0 if a <= 0 else a


def relu_gradient(a, dy):
    return 0 if relu(a) <= 0 else dy


def leaky_relu(a, slope=0.01):
    return a if a > 0 else slope * a


def leaky_relu_gradient(a, dy, slope=0.01):
    return dy if leaky_relu(a, slope) > 0 else slope * dy


def tanh(a):
    return math.tanh(a)


def tanh_gradient(a, dy):
    return dy * (1 - tanh(a) ** 2)


def softplus(a):
    return max(a, 0) + log1p(exp(-abs(a)))


def softplus_gradient(a, dy):
    return -dy * expm1(-softplus(a))


def elu(a):
    return a if a > 0 else expm1(a)


def elu_gradient(a, dy):
    return dy if elu(a) > 0 else dy * (elu(a) + 1)


def silu(a):
    return a * sigmoid(a)


def silu_gradient(a, dy):
    s = sigmoid(a)
    return dy * s * (1 + a * (1 - s))


def gelu(a):
    return a * (1 + erf(a / sqrt(2))) / 2


def gelu_gradient(a, dy):
    return dy * ((1 + erf(a / sqrt(2))) / 2 + a * normal_density(a))


def identity(a):
    return a


def identity_gradient(a, dy):
    return dy


# ---- distributions ----

def normal_density(z, mean=0.0, deviation=1.0):
    return exp(-((z - mean) / deviation) ** 2 / 2) / (deviation * sqrt(2 * pi))


def bernoulli_nll(a, t):
    return max(a, 0) - a * t + log1p(exp(-abs(a)))


def bernoulli_da(a, t):
    return sigmoid(a) - t


def bernoulli_mean(a):
    return sigmoid(a)


def gaussian_nll(m, t, v):
    return (m - t) ** 2 / (2 * v) + log(2 * pi * v) / 2


def gaussian_dm(m, t, v):
    return (m - t) / v


def gaussian_learned_logvar(raw, c=15):
    return bounded(raw, c)


def gaussian_learned_nll(m, t, raw, c=15):
    return gaussian_nll(m, t, exp(bounded(raw, c)))


def gaussian_learned_dm(m, t, raw, c=15):
    return (m - t) * exp(-bounded(raw, c))


def gaussian_learned_dlogvar(m, t, raw, c=15):
    return (1 - (m - t) ** 2 * exp(-bounded(raw, c))) / 2


def kl_standard(mu, logvar):
    return (mu ** 2 + expm1(logvar) - logvar) / 2


def kl_standard_dmu(mu, logvar):
    return mu


def kl_standard_dlogvar(mu, logvar):
    return expm1(logvar) / 2


# ---- latents ----

def bounded(raw, c):
    """[REP-1]"""
    return raw if c == inf else c * math.tanh(raw / c)


def cat_gumbel(u):
    return -log(-log(u))


def softmax(a):
    largest = max(a)
    e = [exp(v - largest) for v in a]
    return [v / sum(e) for v in e]


# ---- optimizers ----

def step_lr(lr, gamma, s, t):
    return lr * gamma ** (t // s)


def cosine_lr(lr, T, t):
    return lr * (1 + math.cos(pi * min(t, T) / T)) / 2


def adam(gradients, theta, lr, b1=0.9, b2=0.999, epsilon=1e-8, corrected=True):
    """theta after every step, [OPT-3] [OPT-4] [OPT-5]; without the corrections if asked."""
    m = v = 0
    found = []
    for t, g in enumerate(gradients, start=1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        first = m / (1 - b1 ** t) if corrected else m
        second = v / (1 - b2 ** t) if corrected else v
        theta -= lr * first / (sqrt(second) + epsilon)
        found.append(theta)
    return found


def sgd(gradients, theta, lr):
    found = []
    for g in gradients:
        theta -= lr * g
        found.append(theta)
    return found


def momentum(gradients, theta, lr, rho=0.9):
    u, found = 0, []
    for g in gradients:
        u = rho * u + g
        theta -= lr * u
        found.append(theta)
    return found


def rmsprop(gradients, theta, lr, alpha=0.99, epsilon=1e-8):
    v, found = 0, []
    for g in gradients:
        v = alpha * v + (1 - alpha) * g * g
        theta -= lr * g / (sqrt(v) + epsilon)
        found.append(theta)
    return found


# ---- noise ----

def philox(counter, key):
    """[NOI-1]"""
    a, b, c, d = counter
    k0, k1 = key
    for _ in range(10):
        high, low = 0xCD9E8D57 * c, 0xD2511F53 * a
        a, b, c, d = (high >> 32) ^ b ^ k0, high & 0xFFFFFFFF, (low >> 32) ^ d ^ k1, low & 0xFFFFFFFF
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return a, b, c, d


def words(seed, sample, step=0, stream=1, draw=0, block=0):
    return philox((block, sample, step, stream << 16 | draw), (seed & 0xFFFFFFFF, seed >> 32))


def uniform(word):
    """[NOI-2]"""
    return ((word >> 9) + 0.5) * 2.0 ** -23


def box_muller(first, second):
    """(u, q + a + 1/2, z0, z1) of two words, [NOI-3], without the rounding to float."""
    u = ((first >> 2) + 0.5) * 2.0 ** -30
    turn = (second >> 30) + ((second >> 6 & 0xFFFFFF) + 0.5) * 2.0 ** -24 - 0.5
    radius = sqrt(-2 * log(u))
    return u, turn, radius * math.cos(pi / 2 * turn), radius * math.sin(pi / 2 * turn)


# ---- changes of a batch ----

def chg_dequantized(b, u):
    """[CHG-1]"""
    return (255 * (b / 255) + u) / 256


def chg_flips(u):
    """[CHG-2]"""
    return float(u < 0.5)


def chg_turn(most, u):
    """[CHG-2], in quarter turns"""
    return most * (2 * u - 1)


def chg_shift(most, u):
    """[CHG-2]"""
    return min(math.floor((2 * most + 1) * u), 2 * most) - most


def chg_place(shape, h, w, flips=0, turn=0, right=0, down=0):
    """[CHG-3]: column and row of the old picture that are seen at row h and column w."""
    middle_h, middle_w = ((n - 1) / 2 for n in shape)
    # Exact where the quarters are whole.
    q, rest = round(turn) % 4, pi / 2 * (turn - round(turn))
    c, s = ((math.cos(rest), math.sin(rest)), (-math.sin(rest), math.cos(rest)),
            (-math.cos(rest), -math.sin(rest)), (math.sin(rest), -math.cos(rest)))[q]
    a, b = w - middle_w - right, h - middle_h - down
    column, row = c * a + s * b + middle_w, c * b - s * a + middle_h
    return (shape[1] - 1 - column if flips else column), row


def chg_moved(x, **move):
    """[CHG-3] of a picture with one channel, as a list of rows."""
    height, width = len(x), len(x[0])

    def at(row, column):
        return x[row][column] if 0 <= row < height and 0 <= column < width else 0.0

    def pixel(h, w):
        column, row = chg_place((height, width), h, w, **move)
        left, top = math.floor(column), math.floor(row)
        f, g = column - left, row - top
        return ((1 - g) * ((1 - f) * at(top, left) + f * at(top, left + 1))
                + g * ((1 - f) * at(top + 1, left) + f * at(top + 1, left + 1)))

    return [[pixel(h, w) for w in range(width)] for h in range(height)]


def chg_noisy(x, sigma, eps, low, high):
    """[CHG-4]"""
    return min(max(x + sigma * eps, low), high)


def chg_threshold(x):
    """[CHG-5]"""
    return float(x > 0.5)


def chg_drawn(x, u):
    """[CHG-6]"""
    return float(u < x)


def chg_masked(x, p, u):
    """[CHG-7]"""
    return 0.0 if u < p else x


def chg_salted(x, p, shift, scale, u):
    """[CHG-8]"""
    return -shift / scale if u < p / 2 else (1 - shift) / scale if u < p else x


# ---- the pages ----

def worked(page):
    """{left side: value} of all blocks marked `worked`."""
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    lines = "\n".join(re.findall(r"```worked\n(.*?)```", text, re.DOTALL)).split("\n")
    return {left: float(value) for left, _, value in (line.rpartition(" = ") for line in lines) if left}


def agree(page, name, value):
    right = worked(page)[name]
    if not abs(value - right) <= 1e-13 * max(1, abs(right)):
        raise SystemExit(f"{page}.md says {name} = {right}, the figure has {value}")


def check():
    """Returns how many worked numbers were compared."""
    count = 0
    for path in sorted(PAGES.glob("*.md")):
        for left in worked(path.stem):
            match = re.fullmatch(r"(\w+)\((\w+=.*)\)", left)
            function = match and globals().get(match.group(1))
            if function and not match.group(1).startswith("_"):
                arguments = {name: float(value) for name, value in
                             (part.split("=") for part in match.group(2).split(", "))}
                agree(path.stem, left, function(**arguments))
                count += 1
    example = "fcc77d9e 3ae4813f 4e41283a bc942eba"  # docs/derivations/noise.md, worked example
    if (" ".join(f"{word:08x}" for word in words(42, 7, step=3)) != example
            or example not in (PAGES / "noise.md").read_text(encoding="utf-8")):
        raise SystemExit("the generator disagrees with docs/derivations/noise.md")
    return count + 1
