#!/usr/bin/python3
"""Writes answers.json: for each case of cases.json values, and what OpenCV's importer of Caffe networks makes of them.

Used once by hand, with Debian's python3-opencv (4.6.0; OpenCV 5 has no such importer):

    /usr/bin/python3 packages/caffe/test/opencv/make.py

Values are float32, as base64 of their bytes. `departs` of a case says where OpenCV does something else than Caffe: its answer
is kept, and the test sees that it is another. Where OpenCV refuses a net its message is kept.
"""
import base64
import json
import pathlib
import zlib

import cv2
import numpy as np

HERE = pathlib.Path(__file__).parent


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def name_of(case):
    """OpenCV names a layer with one top after the top."""
    tops = case.get("tops", ["y"])
    return tops[0] if len(tops) == 1 else "layer"


def weights(name, blobs):
    """A NetParameter with one layer and its blobs."""
    encoded = b""
    for blob in blobs:
        dims = b"".join(varint(size) for size in blob.shape)
        encoded += field(7, field(7, field(1, dims)) + field(5, blob.tobytes()))
    return field(100, field(1, name.encode()) + encoded)


def net(case):
    """The case as a net. Where the layer has several tops, a layer of each top's name copies it: OpenCV finds layers."""
    text = 'name: "case"\n'
    for name, shape in case["inputs"].items():
        dims = " ".join(f"dim: {size}" for size in shape)
        text += f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ {dims} }} }} }}\n'
    tops = case.get("tops", ["y"])
    given = tops if len(tops) == 1 else [f"{top}_" for top in tops]
    # OpenCV knows the rounding of a pooling under the name that a fork gave it.
    body = case["layer"].replace("round_mode: FLOOR", "ceil_mode: false")
    ends = [f'bottom: "{name}"' for name in case["inputs"]] + [f'top: "{name}"' for name in given]
    text += f'layer {{ name: "{name_of(case)}" {" ".join(ends)} {body} }}\n'
    for top in tops if len(tops) > 1 else []:
        text += f'layer {{ name: "{top}" type: "Power" bottom: "{top}_" top: "{top}" power_param {{ scale: 1 }} }}\n'
    return text


def pack(values):
    return {"shape": list(values.shape), "data": base64.b64encode(values.astype("<f4").tobytes()).decode()}


def answer(case):
    random = np.random.RandomState(zlib.crc32(case["name"].encode()))
    draw = lambda shape: random.standard_normal(shape).astype(np.float32).reshape(shape)
    inputs = {name: draw(shape) for name, shape in case["inputs"].items()}
    blobs = [draw(shape) for shape in case["blobs"]]
    if case.get("kind") == "norm":
        # Sums of statistics, and the factor that they are divided by.
        blobs[1] = np.abs(blobs[1]) + np.float32(0.5)
        blobs[2] = np.full([1], 2.5, np.float32)
    result = {"inputs": {k: pack(v) for k, v in inputs.items()}, "blobs": [pack(blob) for blob in blobs]}
    tops = case.get("tops", ["y"])
    try:
        model = cv2.dnn.readNetFromCaffe(np.frombuffer(net(case).encode(), np.uint8), np.frombuffer(weights(name_of(case), blobs), np.uint8))
        model.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
        model.enableFusion(False)
        for name, value in inputs.items():
            model.setInput(value, name)
        outputs = [np.array(one, np.float32) for one in model.forward(tops)]
    except Exception as error:
        return result, None, str(error).strip().splitlines()[0].split(" error: ")[-1][:160]
    return result, outputs, ""


def main():
    cases = json.loads((HERE / "cases.json").read_text())
    answers = {}
    for case in cases:
        result, outputs, why = answer(case)
        if outputs is None:
            result["refuses"] = why
        else:
            result["outputs"] = {name: pack(value) for name, value in zip(case.get("tops", ["y"]), outputs)}
        answers[case["name"]] = result
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in answers.items())
    text = f'{{\n  "by": "OpenCV {cv2.__version__}",\n{lines}\n}}\n'
    (HERE / "answers.json").write_text(text)
    print(f"{len(cases)} cases, {sum('outputs' in one for one in answers.values())} answered by OpenCV {cv2.__version__}")


if __name__ == "__main__":
    main()
