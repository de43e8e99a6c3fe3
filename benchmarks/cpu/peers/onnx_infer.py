# SPDX-License-Identifier: MIT
"""Reconstructions by onnxruntime, from Python with bound inputs and outputs: `model`, or `empty`, a
graph that hands its input on, to see what the call alone costs.  Usage: onnx_infer.py model|empty
THREADS"""
import sys
import time

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import inputs
import protocol


def graph(setup):
    """The nodes and weights of sigmoid(decoder(mu(encoder(x))))."""
    tensors = inputs.weights(setup)
    encoder, decoder = inputs.layers(tensors, "encoder"), inputs.layers(tensors, "decoder")
    mean = (tensors["mu.weight"], tensors["mu.bias"])
    plan = [*((layer, "Relu") for layer in encoder), (mean, None),
            *((layer, "Relu") for layer in decoder[:-1]), (decoder[-1], "Sigmoid")]
    nodes, constants, value = [], [], "x"

    def node(kind, *arguments, **attributes):
        nonlocal value
        nodes.append(helper.make_node(kind, [value, *arguments], [f"v{len(nodes)}"], **attributes))
        value = f"v{len(nodes) - 1}"
    for number, ((weight, bias), activation) in enumerate(plan):
        constants += [numpy_helper.from_array(weight, f"w{number}"),
                      numpy_helper.from_array(bias, f"b{number}")]
        node("Gemm", f"w{number}", f"b{number}", transB=1)
        if activation:
            node(activation)
    nodes[-1].output[0] = "y"
    return nodes, constants


def session(setup, shape, threads):
    nodes, constants = graph(setup)
    if EMPTY:
        nodes, constants = [helper.make_node("Identity", ["x"], ["y"])], []
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy"]
    model = helper.make_model(
        helper.make_graph(nodes, "vae", ends[:1], ends[1:], constants),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model.SerializeToString(), options,
                                        providers=["CPUExecutionProvider"])


class Inference:
    def __init__(self, setup):
        x = np.ascontiguousarray(inputs.rows(setup))
        self.session = session(setup, x.shape, THREADS)
        self.binding = self.session.io_binding()
        self.x = onnxruntime.OrtValue.ortvalue_from_numpy(x)
        self.y = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros_like(x))
        self.binding.bind_ortvalue_input("x", self.x)
        self.binding.bind_ortvalue_output("y", self.y)
        self.session.run_with_iobinding(self.binding)
        self.first = {} if EMPTY else {"first_row": self.y.numpy()[0].tolist()}

    def run(self, request):
        start = time.perf_counter()
        for _ in range(request["calls"]):
            self.session.run_with_iobinding(self.binding)
        return {"seconds": time.perf_counter() - start}


EMPTY, THREADS = sys.argv[1] == "empty", int(sys.argv[2])
protocol.serve(Inference)
