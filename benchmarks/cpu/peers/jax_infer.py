# SPDX-License-Identifier: MIT
"""Reconstructions by JAX, jitted.  Usage: jax_infer.py THREADS

The number of threads is the number of cores that this process may use."""
import time

import jax

import inputs
import jax_vae
import protocol


class Inference:
    def __init__(self, setup):
        self.x = jax.device_put(inputs.rows(setup))
        self.parameters = jax_vae.load(setup)
        self.reconstruct = jax.jit(jax_vae.reconstruct)
        self.first = {"first_row": self.reconstruct(self.parameters, self.x)[0].tolist()}

    def run(self, request):
        start = time.perf_counter()
        for _ in range(request["calls"]):
            self.reconstruct(self.parameters, self.x).block_until_ready()
        return {"seconds": time.perf_counter() - start}


protocol.serve(Inference)
