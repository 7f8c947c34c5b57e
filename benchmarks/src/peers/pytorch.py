# PyTorch's batch_norm for pytorch.ts: reads a command per line, a JSON object, and answers each with one.
#
#   {"prepare": {folder, op, shape, axis, dtype, eps}}   reads x, dy, mean, ... in folder        -> {}
#   {"run": n}                                           calls n times                           -> {"ms": of all}
#   {"output": true}                                     writes the result of a call to output   -> {}
#
# The forward is torch.nn.functional.batch_norm, the backward the kernel that autograd calls, without autograd.
import json
import sys
import time

import torch

torch.set_num_threads(1)
torch.set_grad_enabled(False)


def prepare(folder, op, shape, axis, dtype, eps):
    kind = torch.float32 if dtype == "float32" else torch.float64

    def read(name):
        with open(f"{folder}/{name}", "rb") as file:
            return torch.frombuffer(bytearray(file.read()), dtype=kind)

    # Channels belong on axis 1. For channels-last tensors that is a view, which PyTorch knows as its memory format.
    inward = [0, axis, *range(1, axis), *range(axis + 1, len(shape))]
    outward = [inward.index(i) for i in range(len(shape))]
    x, dy = (read(name).reshape(shape).permute(inward) for name in ("x", "dy"))
    mean, variance, gamma, beta = (read(name) for name in ("mean", "variance", "gamma", "beta"))
    if not op.endswith("+scale"):
        gamma = beta = None
    if op.startswith("backward"):
        _, save_mean, save_invstd = torch.native_batch_norm(x, gamma, beta, mean, variance, True, 0.1, eps)
        mask = [True, gamma is not None, gamma is not None]

        def call():
            return torch.ops.aten.native_batch_norm_backward(
                dy, x, gamma, mean, variance, save_mean, save_invstd, True, eps, mask
            )[0]
    else:
        training = op.startswith("batch")

        def call():
            return torch.nn.functional.batch_norm(x, mean, variance, gamma, beta, training, 0.1, eps)

    def output():
        call().permute(outward).contiguous().numpy().tofile(f"{folder}/output")

    return call, output


call = output = None
for line in sys.stdin:
    command = json.loads(line)
    answer = {}
    if "prepare" in command:
        call, output = prepare(**command["prepare"])
    elif "run" in command:
        start = time.perf_counter()
        for _ in range(command["run"]):
            call()
        answer = {"ms": (time.perf_counter() - start) * 1e3}
    else:
        output()
    print(json.dumps(answer), flush=True)
