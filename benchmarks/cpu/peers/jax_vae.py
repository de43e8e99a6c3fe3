# SPDX-License-Identifier: MIT
"""The VAE in JAX: functions of a pytree of (weight, bias)."""
import jax
import jax.numpy as jnp

import inputs


def load(setup):
    """Weights as (in, out), the order JAX users multiply in."""
    tensors = inputs.weights(setup)
    tensors |= {f"head.{n}.{kind}": tensors[f"{name}.{kind}"]
                for n, name in enumerate(("mu", "logvar")) for kind in ("weight", "bias")}
    return {part: [(jnp.asarray(weight.T), jnp.asarray(bias))
                   for weight, bias in inputs.layers(tensors, part)]
            for part in ("encoder", "head", "decoder")}


def affine(layer, x):
    weight, bias = layer
    return x @ weight + bias


def moments(parameters, x):
    for layer in parameters["encoder"]:
        x = jax.nn.relu(affine(layer, x))
    return [affine(layer, x) for layer in parameters["head"]]


def logits(parameters, z):
    *hidden, last = parameters["decoder"]
    for layer in hidden:
        z = jax.nn.relu(affine(layer, z))
    return affine(last, z)


def loss(parameters, x, eps):
    """Negative lower bound in nats, mean over the rows."""
    mu, logvar = moments(parameters, x)
    a = logits(parameters, mu + eps * jnp.exp(0.5 * logvar))
    nll = jnp.sum(jnp.maximum(a, 0) - a * x + jnp.log1p(jnp.exp(-jnp.abs(a))))
    kl = -0.5 * jnp.sum(1 + logvar - mu ** 2 - jnp.exp(logvar))
    return (nll + kl) / len(x)


def reconstruct(parameters, x):
    return jax.nn.sigmoid(logits(parameters, moments(parameters, x)[0]))
