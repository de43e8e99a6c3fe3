# SPDX-License-Identifier: MIT
"""The real torch.autograd.gradcheck, or jax.test_util.check_grads, at their defaults in double, on the
cases of gradcheck_study's comparison. Each gradient, right or wrong, is put behind the same forward
as a hand-written backward. Prints the share that is rejected.

    gradcheck_study export cases.jsonl 200
    python3 studies/gradcheck/other_checkers.py cases.jsonl torch|torch-fast|jax
"""
import importlib.util
import json
import sys
from collections import defaultdict


def loss(xp, case, constants, tensors):
    """The forward of small_vae.hpp: flat tensors, column-major, to one number. xp: torch or jax.numpy."""
    inputs, hidden, latent, batch = (case[k] for k in ("inputs", "hidden", "latent", "batch"))

    def matrix(flat, rows, cols):
        return flat.reshape(cols, rows).T

    def affine(w, b, rows, x):
        return matrix(w, rows, x.shape[0]) @ x + b.reshape(rows, 1)

    def softplus(a):
        return xp.where(a > 0, a, 0 * a) + xp.log1p(xp.exp(-abs(a)))

    def activate(a):
        name = case["activation"]
        if name == "tanh":
            return xp.tanh(a)
        if name == "softplus":
            return softplus(a)
        if name == "relu":
            return xp.where(a > 0, a, 0 * a)
        sigmoid = 1 / (1 + xp.exp(-a))
        return sigmoid if name == "sigmoid" else a * sigmoid

    x, target, eps = (matrix(constants[k], rows, batch)
                      for k, rows in (("x", inputs), ("target", inputs), ("eps", latent)))
    W1, b1, Wm, bm, Wl, bl, W2, b2, W3, b3 = tensors
    h = activate(affine(W1, b1, hidden, x))
    mu, logvar = affine(Wm, bm, latent, h), affine(Wl, bl, latent, h)
    z = mu + xp.exp(0.5 * logvar) * eps
    logits = affine(W3, b3, inputs, activate(affine(W2, b2, hidden, z)))
    nll = (softplus(logits) - logits * target).sum()
    kl = 0.5 * (xp.exp(logvar) - 1 - logvar + mu * mu).sum()
    return (nll + case["beta"] * kl) / batch + case["offset"]


NAMES = ["W1", "b1", "Wm", "bm", "Wl", "bl", "W2", "b2", "W3", "b3"]


def pieces(flat, case):
    """A flat gradient, cut into the tensors' gradients."""
    first, cut = 0, []
    for name in NAMES:
        size = len(case["tensors"][name])
        cut.append(flat[first:first + size])
        first += size
    return cut


def torch_judge(fast):
    import torch

    def judge(case, gradient):
        constants = {k: torch.tensor(case[k], dtype=torch.float64) for k in ("x", "target", "eps")}
        given = [torch.tensor(g, dtype=torch.float64) for g in pieces(gradient, case)]

        class Loss(torch.autograd.Function):
            @staticmethod
            def forward(ctx, *tensors):
                return loss(torch, case, constants, tensors)

            @staticmethod
            def backward(ctx, dloss):
                return tuple(dloss * g for g in given)

        tensors = [torch.tensor(case["tensors"][n], dtype=torch.float64, requires_grad=True)
                   for n in NAMES]
        check_value(case, Loss.apply(*tensors).item())
        return not torch.autograd.gradcheck(Loss.apply, tensors, fast_mode=fast, raise_exception=False)

    return judge, f"torch {torch.__version__}, fast_mode={fast}"


def jax_judge():
    import jax
    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    from jax.test_util import check_grads

    def judge(case, gradient):
        constants = {k: jnp.array(case[k]) for k in ("x", "target", "eps")}
        given = [jnp.array(g) for g in pieces(gradient, case)]

        @jax.custom_vjp
        def f(*tensors):
            return loss(jnp, case, constants, tensors)

        f.defvjp(lambda *tensors: (f(*tensors), None),
                 lambda _, dloss: tuple(dloss * g for g in given))
        tensors = [jnp.array(case["tensors"][n]) for n in NAMES]
        check_value(case, float(f(*tensors)))
        try:
            check_grads(f, tensors, order=1, modes=["rev"])
            return False
        except AssertionError:
            return True

    return judge, f"JAX {jax.__version__}, modes=['rev']"


def check_value(case, value):
    if not abs(value - case["loss"]) <= 1e-12 * max(1, abs(value)):
        raise SystemExit(f"the forward differs: {value!r}, exported {case['loss']!r}")


def main():
    path, which = sys.argv[1:3]
    module = "jax" if which == "jax" else "torch"
    if importlib.util.find_spec(module) is None:
        print(f"{module} is not installed: skipped")
        return
    judge, title = jax_judge() if which == "jax" else torch_judge(which == "torch-fast")
    counts = defaultdict(lambda: [0, 0])
    for line in open(path):
        case = json.loads(line)
        for name, gradient in case["gradients"].items():
            if name == "order":
                continue
            count = counts[f"right, {case['set']}" if name == "right" else name]
            count[0] += 1
            count[1] += judge(case, gradient)
    print(title)
    for name, (cases, rejected) in counts.items():
        print(f"  {name:42} {cases:6} {100 * rejected / cases:8.1f}% rejected")


if __name__ == "__main__":
    main()
