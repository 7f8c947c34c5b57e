"""Prints ONNX's own backend node tests of normalizations as JSON: a list of
{ name, rtol, atol, model, inputs, outputs }, bytes in base64. Needs onnx and numpy."""
import base64
import json
import sys

import numpy as np

# onnx 1.12 uses names that numpy 1.24 has no more.
for name, kind in (("float", float), ("int", int), ("bool", bool), ("object", object)):
    if name not in np.__dict__:
        setattr(np, name, kind)

from onnx.backend.test.case.node import collect_testcases

WANTED = ("BatchNormalization", "InstanceNormalization", "LayerNormalization", "GroupNormalization")


def text(data):
    return base64.b64encode(data).decode("ascii")


def tensor(info, value):
    value = np.ascontiguousarray(value)
    return {"name": info.name, "type": str(value.dtype), "shape": list(value.shape), "data": text(value.tobytes())}


def described(case):
    inputs, outputs = case.data_sets[0]
    graph = case.model.graph
    return {
        "name": case.name,
        "rtol": case.rtol,
        "atol": case.atol,
        "model": text(case.model.SerializeToString()),
        "inputs": [tensor(*pair) for pair in zip(graph.input, inputs)],
        "outputs": [tensor(*pair) for pair in zip(graph.output, outputs)],
    }


cases = [case for case in collect_testcases(None) if any(node.op_type in WANTED for node in case.model.graph.node)]
json.dump([described(case) for case in cases], sys.stdout)
