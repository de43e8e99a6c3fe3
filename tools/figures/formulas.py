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


def kl_ratio(mu, logvar, eps, mu_p, logvar_p):
    z = mu + exp(logvar / 2) * eps
    return ((z - mu_p) ** 2 * exp(-logvar_p) - eps ** 2 - (logvar - logvar_p)) / 2


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


# ---- classifier ----

def _logits(given):
    """l0, l1, ... in their order."""
    return [given[f"l{k}"] for k in range(len(given))]


def class_lse(**logits):
    """[CLS-1]"""
    largest = max(logits.values())
    return largest + log(sum(exp(value - largest) for value in logits.values()))


def class_p(k, **logits):
    """[CLS-1]"""
    return softmax(_logits(logits))[int(k)]


def class_nll(label, **logits):
    """[CLS-2]"""
    return class_lse(**logits) - _logits(logits)[int(label)]


def class_dlogit(k, label, w, **logits):
    """[CLS-3]"""
    return w * (class_p(k, **logits) - (k == label))


def class_right(label, **logits):
    """[CLS-4]"""
    values = _logits(logits)
    return float(values.index(max(values)) == label)


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


# ---- importance sampling ----

# The linear model of docs/derivations/importance.md: z from N(0, 1), x_o from N(z, 0.5), x_m from
# N(-z, 0.5), x_o = 1.5 observed and q = N(0.5, 0.5^2); three draws of z by eps, and of x_m.
IMP = {"x": 1.5, "w": 1.0, "v": 0.5, "mu": 0.5, "sigma": 0.5}
IMP_EPS, IMP_Y = (-1.0, 0.0, 1.0), (0.5, 0.0, -1.5)


def imp_b(x, w, v, mu, sigma, eps):
    """[IMP-2] where x is from N(w z, v)"""
    return -gaussian_nll(w * (mu + sigma * eps), x, v) - kl_ratio(mu, 2 * log(sigma), eps, 0, 0)


def _imp_mean(weights, values):
    return sum(w * value for w, value in zip(weights, values)) / sum(weights)


def _imp_deviation(weights, means, draws):
    """[IMP-5]"""
    value = _imp_mean(weights, means)
    return sqrt(_imp_mean(weights, [(y - m) ** 2 + (m - value) ** 2 for y, m in zip(draws, means)]))


def _imp_effective(weights):
    """[IMP-6]"""
    return sum(weights) ** 2 / sum(w * w for w in weights)


def imp_value_of_two(e0, e1, m0, m1):
    return _imp_mean((e0, e1), (m0, m1))


def imp_deviation_of_two(e0, e1, m0, m1, y0, y1):
    return _imp_deviation((e0, e1), (m0, m1), (y0, y1))


def imp_effective_of_two(e0, e1):
    return _imp_effective((e0, e1))


def _imp_draws(draws):
    """b, w and the means of x_m of the first draws of the example."""
    noise = IMP_EPS[:int(draws)]
    b = [imp_b(eps=eps, **IMP) for eps in noise]
    return b, softmax(b), [-IMP["mu"] - IMP["sigma"] * eps for eps in noise]


def imp_w(k):
    """[IMP-3]"""
    return _imp_draws(3)[1][int(k)]


def imp_log_mean(draws):
    b = _imp_draws(draws)[0]
    return max(b) + log(sum(exp(value - max(b)) for value in b) / len(b))


def imp_mean_log(draws):
    b = _imp_draws(draws)[0]
    return sum(b) / len(b)


def imp_weighted_log(draws):
    b, w, _ = _imp_draws(draws)
    return _imp_mean(w, b)


def imp_value(draws):
    """[IMP-4]"""
    _, w, means = _imp_draws(draws)
    return _imp_mean(w, means)


def imp_deviation(draws):
    _, w, means = _imp_draws(draws)
    return _imp_deviation(w, means, IMP_Y)


def imp_effective(draws):
    return _imp_effective(_imp_draws(draws)[1])


def imp_log_p(x, w, v):
    return -gaussian_nll(0, x, w * w + v)


def imp_posterior_mean(x, w, v):
    return imp_posterior_variance(w, v) * w * x / v


def imp_posterior_variance(w, v):
    return 1 / (1 + w * w / v)


def imp_true_deviation(w, w_m, v):
    return sqrt(w_m ** 2 * imp_posterior_variance(w, v) + v)


def imp_share(x, w, v, mu, sigma):
    """What S_eff / S tends to."""
    variance = imp_posterior_variance(w, v)
    rest = 2 * sigma ** 2 - variance
    return (sqrt(variance * rest) / sigma ** 2
            * exp(-(mu - imp_posterior_mean(x, w, v)) ** 2 / rest))


def _imp_expectations(draws):
    """The mean of [IMP-1] and of [IMP-4] over all draws, for so many of them, without sampling.

    With r the mean of the ratios e^b / p(x), E log r is the integral of (e^-t - E e^(-t r)) / t over
    t > 0, and the mean of a quotient with r below comes from 1 / r, the integral of e^(-t r). The
    draws are independent, so that E e^(-t r) is a power of one integral over z. Both integrals are
    sums over grids, of log t and of z, which converge exponentially.
    """
    step, middle, sigma = 0.02, IMP["mu"], IMP["sigma"]
    total = imp_log_p(IMP["x"], IMP["w"], IMP["v"])
    nodes = []  # (probability, ratio, z)
    for k in range(-230, 361):
        z = middle + step * k
        nodes.append((step * normal_density(z, middle, sigma),
                      exp(imp_b(eps=(z - middle) / sigma, **IMP) - total), z))
    bound = value = 0.0
    for k in range(-150, 29):
        t = exp(k / 4)
        decays = [exp(-t * ratio / draws) for _, ratio, _ in nodes]
        some = sum(p * expm1(-t * ratio / draws) for p, ratio, _ in nodes)
        one = log1p(some) if some > -0.5 else log(sum(p * e for (p, _, _), e in zip(nodes, decays)))
        inner = sum(p * ratio * -z * e for (p, ratio, z), e in zip(nodes, decays))
        bound += (expm1(-t) - expm1(draws * one)) / 4
        value += t * exp((draws - 1) * one) * inner / 4
    return total + bound, value


def imp_bound(draws):
    return _imp_expectations(draws)[0]


def imp_expected_value(draws):
    return _imp_expectations(draws)[1]


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
