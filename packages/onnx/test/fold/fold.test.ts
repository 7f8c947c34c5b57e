import { expect, it } from "vitest";
import { foldModel } from "../../src/index.ts";
import { runModel } from "../../src/verify/runtime.ts";
import { CHAINS, KINDS } from "./kinds.ts";
import { modelOf, netOf, operators, randoms, tensorOf, valuesOf } from "./net.ts";

const U = 2 ** -24;

async function run(bytes: Uint8Array, x: Float32Array, shape: readonly number[]) {
  const outputs = await runModel(bytes, { x: { type: "float32", shape, data: x } });
  const [y] = outputs.values();
  return y?.data as Float32Array;
}

/**
 * The network with absolute values everywhere, the sign of the mean changed, and differences as sums. For |x| it gives
 * the size of the terms of every output.
 */
function sizes(bytes: Uint8Array, input: readonly number[]): Uint8Array {
  const { graph } = modelOf(bytes);
  for (const node of graph.node) {
    if (node.opType === "Sub") node.opType = "Add";
    for (const attribute of node.attribute) if (attribute.f !== 0) attribute.f = Math.abs(attribute.f);
  }
  const tensors = graph.initializer.map((tensor) => {
    if (tensor.dataType !== 1) return tensor;
    const values = Float32Array.from(valuesOf(bytes, tensor.name), Math.abs);
    return tensorOf(
      tensor.name,
      tensor.dims.map(Number),
      tensor.name.endsWith(".mean") ? values.map((v) => -v) : values,
    );
  });
  return netOf({ input, nodes: graph.node, tensors });
}

it.each([...KINDS, ...CHAINS])("$name: folded, and within the bound of its terms", async ({ net, terms, left }) => {
  const bytes = netOf(net);
  const { bytes: folded, rows } = await foldModel(bytes);
  expect(rows.filter(({ status }) => status === "left")).toEqual([]);
  expect(operators(folded)).toEqual(left);
  const x = randoms(99)(net.input.reduce((a, b) => a * b, 1));
  const [before, after] = [await run(bytes, x, net.input), await run(folded, x, net.input)];
  // Each network has an error of at most u per term of every sum, and 8 u per node for the roundings of a node apart
  // from its sum (N-3).
  const bound = async (one: Uint8Array) => {
    const size = await run(sizes(one, net.input), x.map(Math.abs), net.input);
    return size.map((value) => U * (terms + 8 * modelOf(one).graph.node.length) * value);
  };
  const [own, theirs] = [await bound(bytes), await bound(folded)];
  expect(after.length).toBe(before.length);
  for (const [i, y] of before.entries()) expect(Math.abs(after[i]! - y)).toBeLessThanOrEqual(own[i]! + theirs[i]!);
});
