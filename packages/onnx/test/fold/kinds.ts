import { floatAttribute, intAttribute, intsAttribute, type Net, nodeOf, normOf, randoms, tensorOf } from "./net.ts";

export interface Kind {
  readonly name: string;
  readonly net: Net;
  /** The number of terms of one output. */
  readonly terms: number;
  /** The operators of the folded network. */
  readonly left: readonly string[];
}

const r = randoms(7);
export const conv = (
  name: string,
  weights: readonly number[],
  channels: number,
  input: readonly number[],
  attributes: ReturnType<typeof intAttribute>[],
  { bias = true, op = "Conv" } = {},
): Kind => {
  const bn = normOf("bn", channels, 11);
  const count = weights.reduce((a, b) => a * b, 1);
  return {
    name,
    terms: count,
    left: [op],
    net: {
      input,
      nodes: [nodeOf(op, "layer", ["x", "w", ...(bias ? ["b"] : [])], ["z"], attributes), bn.node("z", "y")],
      tensors: [
        tensorOf("w", weights, r(count)),
        ...(bias ? [tensorOf("b", [channels], r(channels))] : []),
        ...bn.tensors,
      ],
    },
  };
};
export const KINDS: readonly Kind[] = [
  conv("Conv", [4, 3, 3, 3], 4, [2, 3, 6, 5], [intsAttribute("pads", [1, 1, 1, 1])]),
  conv("Conv without bias", [4, 3, 3, 3], 4, [2, 3, 6, 5], [], { bias: false }),
  conv("grouped Conv", [6, 2, 3, 3], 6, [2, 6, 6, 5], [intAttribute("group", 3)]),
  conv("depthwise Conv", [6, 1, 3, 3], 6, [2, 6, 6, 5], [intAttribute("group", 6)]),
  conv("Conv of one axis", [4, 3, 3], 4, [2, 3, 9], []),
  conv("Conv of three axes", [4, 3, 2, 2, 2], 4, [1, 3, 4, 4, 3], []),
  conv("ConvTranspose", [3, 4, 3, 3], 4, [2, 3, 4, 5], [intsAttribute("strides", [2, 2])], { op: "ConvTranspose" }),
  conv("grouped ConvTranspose", [6, 2, 3, 3], 4, [2, 6, 4, 5], [intAttribute("group", 2)], { op: "ConvTranspose" }),
  ...[
    { alpha: 1, beta: 1, transB: 0 },
    { alpha: 0.5, beta: -2, transB: 1 },
    { alpha: -3, beta: 0.25, transB: 0 },
  ].map(({ alpha, beta, transB }): Kind => {
    const bn = normOf("bn", 5, 3);
    return {
      name: `Gemm alpha ${alpha} beta ${beta} transB ${transB}`,
      terms: 16,
      left: ["Gemm"],
      net: {
        input: [3, 4],
        nodes: [
          nodeOf(
            "Gemm",
            "layer",
            ["x", "w", "b"],
            ["z"],
            [floatAttribute("alpha", alpha), floatAttribute("beta", beta), intAttribute("transB", transB)],
          ),
          bn.node("z", "y"),
        ],
        tensors: [tensorOf("w", transB ? [5, 4] : [4, 5], r(20)), tensorOf("b", [5], r(5)), ...bn.tensors],
      },
    };
  }),
];

function layered(
  name: string,
  nodes: Net["nodes"],
  tensors: Net["tensors"],
  left: string[],
  input = [2, 3, 6, 5],
): Kind {
  return { name, terms: 4 * 3 * 9 * 8, left, net: { input, nodes, tensors } };
}
const w = tensorOf("w", [4, 3, 3, 3], r(108));
const bn4 = normOf("bn", 4, 5);
const again = normOf("again", 4, 6);
const first = normOf("first", 3, 8);
const vector = (name: string, dims: readonly number[]) =>
  tensorOf(
    name,
    dims,
    r(
      dims.reduce((a, b) => a * b, 1),
      1,
      2,
    ),
  );
export const CHAINS: readonly Kind[] = [
  layered(
    "two in a row",
    [nodeOf("Conv", "c", ["x", "w"], ["z"]), bn4.node("z", "v"), again.node("v", "y")],
    [w, ...bn4.tensors, ...again.tensors],
    ["Conv"],
  ),
  layered(
    "through Identity and Dropout",
    [
      nodeOf("Conv", "c", ["x", "w"], ["z"]),
      nodeOf("Identity", "i", ["z"], ["z1"]),
      nodeOf("Dropout", "d", ["z1"], ["z2"]),
      bn4.node("z2", "y"),
    ],
    [w, ...bn4.tensors],
    ["Conv", "Identity", "Dropout"],
  ),
  layered(
    "before a Conv without padding",
    [first.node("x", "z"), nodeOf("Conv", "c", ["z", "w"], ["y"])],
    [w, ...first.tensors],
    ["Conv"],
  ),
  layered(
    "before and behind",
    [first.node("x", "z"), nodeOf("Conv", "c", ["z", "w"], ["v"]), bn4.node("v", "y")],
    [w, ...first.tensors, ...bn4.tensors],
    ["Conv"],
  ),
  ...(["Mul", "Add", "Sub", "Div"] as const).map((op) =>
    layered(
      `${op} by constants per channel`,
      [nodeOf("Conv", "c", ["x", "w"], ["z"]), nodeOf(op, "k", ["z", "k"], ["y"])],
      [w, vector("k", [4, 1, 1])],
      ["Conv"],
    ),
  ),
  layered(
    "Sub from a constant",
    [nodeOf("Conv", "c", ["x", "w"], ["z"]), nodeOf("Sub", "k", ["k", "z"], ["y"])],
    [w, vector("k", [1, 4, 1, 1])],
    ["Conv"],
  ),
  layered(
    "MatMul and Add",
    [nodeOf("MatMul", "m", ["x", "m"], ["z"]), nodeOf("Add", "a", ["z", "a"], ["v"]), bn4.node("v", "y")],
    [vector("m", [3, 4]), vector("a", [4]), ...bn4.tensors],
    ["MatMul", "Add"],
    [5, 3],
  ),
  layered(
    "MatMul alone",
    [nodeOf("MatMul", "m", ["x", "m"], ["z"]), bn4.node("z", "y")],
    [vector("m", [3, 4]), ...bn4.tensors],
    ["MatMul", "Add"],
    [5, 3],
  ),
];
