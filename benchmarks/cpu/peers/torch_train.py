# SPDX-License-Identifier: MIT
"""Training steps of PyTorch: `eager` as a user writes them, `compile` with the loss compiled and
the fused Adam.  Usage: torch_train.py eager|compile THREADS"""
import sys
import time

import torch

import inputs
import protocol
import torch_vae


class Training:
    def __init__(self, setup):
        torch.manual_seed(0)
        self.data = torch.from_numpy(inputs.rows(setup))
        self.batches = map(torch.from_numpy, inputs.batches(setup))
        self.model = torch_vae.load(setup)
        if COMPILED:
            torch.compiler.reset()
            self.loss = torch.compile(self.model.loss, dynamic=False)
        else:
            self.loss = self.model.loss
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3,
                                          fused=True if COMPILED else None)
        with torch.no_grad():
            batch = setup["batch"]
            loss = self.model.loss(self.data[:batch], noise=False).item() / batch
        self.first = {"loss_without_noise": loss}

    def step(self, rows):
        loss = self.loss(self.data[rows]) / len(rows)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def run(self, request):
        start = time.perf_counter()
        total = torch.zeros(())
        for _ in range(request["steps"]):
            total += self.step(next(self.batches))
        loss = total.item() / request["steps"]
        return {"seconds": time.perf_counter() - start, "loss": loss}


COMPILED = sys.argv[1] == "compile"
torch.set_num_threads(int(sys.argv[2]))
protocol.serve(Training)
