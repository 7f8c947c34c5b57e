import { create } from "@bufbuild/protobuf";
import { TensorProtoSchema } from "onnx-buf";
import {
  floatAttribute as float,
  intAttribute as int,
  intsAttribute as ints,
  intTensor,
  nodeOf as node,
  valueInfo,
} from "../../src/graph/encode.ts";
import { floats, net, norm, old, open, ramp } from "./net.ts";
import { doubles, halves, P } from "./parts.ts";

/** Names, versions, other operators, and numbers at the limits. Every normalization in these models is compared. */
export const GRAPHS: Readonly<Record<string, Uint8Array>> = {
  "IR version 2 without opset_import": net({ ir: 2, imports: [], nodes: [old("X", "Y")] }),
  "the operator set of domain ai.onnx": net({
    imports: [{ domain: "ai.onnx", version: 9n }],
    ir: 4,
    nodes: [norm("X", "Y")],
  }),
  "a node of domain ai.onnx": net({ nodes: [Object.assign(norm("X", "Y"), { domain: "ai.onnx" })] }),
  "three nodes of one name": net({
    nodes: [
      Object.assign(norm("X", "a"), { name: "b" }),
      Object.assign(norm("a", "b"), { name: "b" }),
      Object.assign(norm("b", "Y"), { name: "b" }),
    ],
  }),
  "equal names, and one that renaming would take": net({
    nodes: [
      Object.assign(norm("X", "a"), { name: "b" }),
      Object.assign(norm("a", "b"), { name: "b#2" }),
      Object.assign(norm("b", "Y"), { name: "b" }),
    ],
  }),
  "nodes without names": net({
    nodes: [Object.assign(norm("X", "a"), { name: "" }), Object.assign(norm("a", "Y"), { name: "" })],
  }),
  "another domain's BatchNormalization beside": net({
    nodes: [Object.assign(norm("X", "z"), { domain: "my" }), norm("X", "Y")],
    imports: [
      { domain: "", version: 15n },
      { domain: "my", version: 1n },
    ],
  }),
  "names that every object has": net({
    nodes: [
      node("Identity", "toString", ["__proto__"], ["constructor"]),
      Object.assign(norm("constructor", "hasOwnProperty"), { name: "__proto__" }),
    ],
    inputs: [valueInfo("__proto__", 1, [1, 3, 4, 4])],
    outputs: [open("hasOwnProperty")],
  }),
  "an operator named toString, operator set 6": net({
    opset: 6,
    ir: 3,
    nodes: [old("X", "Y"), node("toString", "q", ["Y"], ["z"])],
  }),
  "GroupNormalization, a scale per group": net({
    opset: 18,
    nodes: [node("GroupNormalization", "g", ["X", "s1", "b1"], ["a"], [int("num_groups", 1)]), norm("a", "Y")],
    weights: [floats("s1", [1], 2), floats("b1", [1], 1)],
  }),
  "GroupNormalization, a scale per channel": net({
    opset: 21,
    nodes: [node("GroupNormalization", "g", ["X", "scale", "B"], ["a"], [int("num_groups", 3)]), norm("a", "Y")],
  }),
  "LayerNormalization over two axes without B": net({
    opset: 17,
    nodes: [node("LayerNormalization", "g", ["X", "s1"], ["a", "", "inv"], [int("axis", 2)]), norm("a", "Y")],
    weights: [ramp("s1", [4, 4])],
  }),
  "LayerNormalization, scale broadcast": net({
    opset: 17,
    nodes: [node("LayerNormalization", "g", ["X", "s1"], ["a"], [int("axis", 1)]), norm("a", "Y")],
    weights: [ramp("s1", [4])],
  }),
  "IR version 1, three old nodes": net({
    ir: 1,
    imports: [],
    nodes: [old("X", "a"), node("Dropout", "", ["a"], ["b"], [int("is_test", 1)]), old("b", "Y")],
  }),
  "IR version 1 with opset_import": net({ ir: 1, opset: 6, nodes: [old("X", "Y")] }),
  "the operator set imported twice, under both names": net({
    imports: [
      { domain: "", version: 15n },
      { domain: "ai.onnx", version: 9n },
    ],
    nodes: [norm("X", "Y")],
  }),
  "operators named valueOf": net({
    opset: 6,
    ir: 3,
    nodes: [old("X", "Y"), node("valueOf", "q", ["Y"], ["z"]), node("hasOwnProperty", "q2", ["Y"], ["z2"])],
  }),
  "a domain named __proto__": net({
    imports: [
      { domain: "", version: 15n },
      { domain: "__proto__", version: 1n },
    ],
    nodes: [norm("X", "Y"), Object.assign(node("constructor", "q", ["Y"], ["z"]), { domain: "__proto__" })],
  }),
  "a custom operator of no imported domain": net({
    nodes: [norm("X", "Y"), Object.assign(node("My", "", ["Y"], ["q"]), { domain: "my" })],
  }),
  "float16 throughout": net({
    nodes: [norm("X", "Y")],
    inputs: [valueInfo("X", 10, [1, 3, 4, 4])],
    weights: P.map((k) => halves(k, [3], 0x3c00, 0x4000, 0x3800)),
    outputs: [open("Y", 10)],
  }),
  "float16, statistics of float32": net({
    nodes: [norm("X", "Y")],
    inputs: [valueInfo("X", 10, [1, 3, 4, 4])],
    weights: [halves("scale", [3], 0x3c00, 0x4000, 0x3800), halves("B", [3], 0x3c00, 0x4000, 0x3800)],
    outputs: [open("Y", 10)],
  }),
  "LayerNormalization of bfloat16": net({
    opset: 17,
    nodes: [node("LayerNormalization", "l", ["X", "s1"], ["Y"])],
    inputs: [valueInfo("X", 16, [1, 3, 4, 4])],
    weights: [
      create(TensorProtoSchema, {
        name: "s1",
        dataType: 16,
        dims: [4n],
        rawData: new Uint8Array(Uint16Array.from([0x3f80, 0x3f80, 0x3f80, 0x4000]).buffer),
      }),
    ],
    outputs: [open("Y", 16)],
  }),
  "InstanceNormalization of float16": net({
    nodes: [node("InstanceNormalization", "l", ["X", "scale", "B"], ["Y"])],
    inputs: [valueInfo("X", 10, [1, 3, 4, 4])],
    weights: [halves("scale", [3], 0x3c00, 0x4000, 0x3800), halves("B", [3], 0x3c00, 0x4000, 0x3800)],
    outputs: [open("Y", 10)],
  }),
  "LayerNormalization of float64": net({
    opset: 17,
    nodes: [node("LayerNormalization", "l", ["X", "s1"], ["Y"])],
    inputs: [valueInfo("X", 11, [1, 3, 4, 4])],
    weights: [doubles("s1", [4], 1, 2, 3, 4)],
    outputs: [open("Y", 11)],
  }),
  "an operator of ONNX Runtime's own before": net({
    imports: [
      { domain: "", version: 15n },
      { domain: "com.microsoft", version: 1n },
    ],
    nodes: [Object.assign(node("Gelu", "", ["X"], ["g"]), { domain: "com.microsoft" }), norm("g", "Y")],
  }),
  "DequantizeLinear before": net({
    nodes: [
      node("QuantizeLinear", "", ["X", "qs", "qz"], ["q"]),
      node("DequantizeLinear", "", ["q", "qs", "qz"], ["d"]),
      norm("d", "Y"),
    ],
    weights: [
      floats("qs", [], 0.01),
      create(TensorProtoSchema, { name: "qz", dataType: 3, dims: [], rawData: new Uint8Array([3]) }),
    ],
  }),
  "X is infinite": net({
    nodes: [node("Div", "", ["X", "z0"], ["i"]), norm("i", "Y")],
    weights: [floats("z0", [], 0)],
  }),
  "var is subnormal, epsilon 0": net({
    nodes: [norm("X", "Y", [float("epsilon", 0)])],
    weights: [floats("var", [3], 1e-42, 1, 1)],
  }),
  "var near the largest number": net({ nodes: [norm("X", "Y")], weights: [floats("var", [3], 3e38, 1, 1)] }),
  "mean beyond all values": net({ nodes: [norm("X", "Y")], weights: [floats("mean", [3], 1e30, 1, 1)] }),
  "LayerNormalization from axis 0 on": net({
    opset: 17,
    nodes: [node("LayerNormalization", "l", ["X", "s1"], ["Y"], [int("axis", 0)])],
    weights: [ramp("s1", [1, 3, 4, 4])],
  }),
  "InstanceNormalization of single values": net({
    nodes: [node("InstanceNormalization", "l", ["X", "scale", "B"], ["Y"])],
    inputs: [valueInfo("X", 1, [2, 3, 1, 1])],
  }),
  "InstanceNormalization of constant planes": net({
    nodes: [
      node("ReduceMean", "", ["X"], ["m"], [ints("axes", [2, 3])]),
      node("Expand", "", ["m", "sh"], ["e"]),
      node("InstanceNormalization", "l", ["e", "scale", "B"], ["Y"]),
    ],
    weights: [intTensor("sh", [1, 3, 4, 4])],
  }),
  "a chain of 40": net({
    nodes: Array.from({ length: 40 }, (_, i) => norm(i === 0 ? "X" : `a${i - 1}`, i === 39 ? "Y" : `a${i}`)),
    weights: [
      floats("scale", [3], 1, 1, 1),
      floats("B", [3], 0, 0, 0),
      floats("mean", [3], 0, 0, 0),
      floats("var", [3], 1, 1, 1),
    ],
  }),
};
