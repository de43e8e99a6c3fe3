# SPDX-License-Identifier: MIT
"""Reconstructions by PyTorch, eager, without gradients.  Usage: torch_infer.py THREADS"""
import sys
import time

import torch

import inputs
import protocol
import torch_vae


class Inference:
    def __init__(self, setup):
        self.x = torch.from_numpy(inputs.rows(setup))
        self.model = torch_vae.load(setup).eval()
        with torch.no_grad():
            self.first = {"first_row": self.model.reconstruct(self.x)[0].tolist()}

    @torch.no_grad()
    def run(self, request):
        start = time.perf_counter()
        for _ in range(request["calls"]):
            self.model.reconstruct(self.x)
        return {"seconds": time.perf_counter() - start}


torch.set_num_threads(int(sys.argv[1]))
protocol.serve(Inference)
