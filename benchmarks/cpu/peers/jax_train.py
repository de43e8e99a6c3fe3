# SPDX-License-Identifier: MIT
"""Training steps of JAX, jitted whole with the state donated: `step` calls once per step, `scan`
once per run.  Usage: jax_train.py step|scan THREADS

The number of threads is the number of cores that this process may use."""
import functools
import itertools
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

import inputs
import jax_vae
import protocol


def adam(parameters, gradient, m, v, t):
    tree = jax.tree_util.tree_map
    m = tree(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
    v = tree(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
    c1, c2 = 1 / (1 - 0.9 ** t), 1 / (1 - 0.999 ** t)
    parameters = tree(lambda p, m, v: p - 1e-3 * c1 * m / (jnp.sqrt(c2 * v) + 1e-8),
                      parameters, m, v)
    return parameters, m, v


def step(data, latent, state, rows):
    parameters, m, v, t, key = state
    key, noise = jax.random.split(key)
    eps = jax.random.normal(noise, (len(rows), latent))
    loss, gradient = jax.value_and_grad(jax_vae.loss)(parameters, data[rows], eps)
    parameters, m, v = adam(parameters, gradient, m, v, t + 1)
    return (parameters, m, v, t + 1, key), loss


class Training:
    def __init__(self, setup):
        data = jax.device_put(inputs.rows(setup))
        parameters = jax_vae.load(setup)
        batch, latent = setup["batch"], setup["net"]["latent"]
        loss = jax_vae.loss(parameters, data[:batch], jnp.zeros((batch, latent)))
        self.first = {"loss_without_noise": float(loss)}

        def zeros():  # twice: a donated buffer has one owner
            return jax.tree_util.tree_map(jnp.zeros_like, parameters)
        self.state = (parameters, zeros(), zeros(), jnp.float32(0), jax.random.key(0))
        self.batches = inputs.batches(setup)
        one = functools.partial(step, data, latent)
        self.one = jax.jit(one, donate_argnums=0)
        self.many = jax.jit(lambda state, order: jax.lax.scan(one, state, order), donate_argnums=0)

    def run(self, request):
        order = list(itertools.islice(self.batches, request["steps"]))
        start = time.perf_counter()
        if SCAN:
            self.state, losses = self.many(self.state, np.stack(order))
        else:
            losses = []
            for rows in order:
                self.state, loss = self.one(self.state, rows)
                losses.append(loss)
        jax.block_until_ready((self.state, losses))
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "loss": float(np.mean(losses))}


SCAN = sys.argv[1] == "scan"
protocol.serve(Training)
