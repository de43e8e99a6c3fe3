# SPDX-License-Identifier: MIT
"""What every measurement needs: the program, the data, weights, how long to measure."""
import dataclasses
import pathlib
import time

from . import contenders, machine
from .worker import Worker


@dataclasses.dataclass
class Session:
    build: pathlib.Path  # where longhand was built
    data: dict           # path of the rows by number of inputs
    idx: pathlib.Path    # the folder of IDX files
    work: pathlib.Path   # for files of this run
    threads: list
    rounds: int
    quick: bool
    log: object
    engines: list = ()   # builds of longhand with another engine for the products

    @property
    def program(self):
        return self.build / "benchmarks/cpu/cpu_benchmark"

    @property
    def other_engines(self):
        """(engine, program) of every other build."""
        return [(machine.engine(build), build / "benchmarks/cpu/cpu_benchmark")
                for build in self.engines]

    @property
    def longhand(self):
        """The command line program."""
        return self.build / "src/longhand"

    def prepare(self, net, rows=None, epochs=1):
        """Initial weights of a net, and the order in which `rows` rows are visited: the fields of a
        setup request that everybody shares."""
        fields = {"net": net.as_json(), "weights": str(self.work / f"{net.name}.safetensors"),
                  "data": str(self.data[net.input])}
        if rows:
            fields |= {"rows": rows, "epochs": epochs,
                       "order": str(self.work / f"order-{rows}-{epochs}.npy")}
        writer = Worker("prepare", contenders.ours(self.program, "prepare"), 1, self.log)
        writer.ask("prepare", **fields)
        writer.close()
        return fields

    def pause(self):
        """Idle OpenMP threads spin for a while: let them fall asleep before another's turn."""
        time.sleep(0.1)

    def say(self, text):
        print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def all_threads():
    return sorted({1, len(machine.cores())})
