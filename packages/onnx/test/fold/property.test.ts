import fc from "fast-check";
import { expect, it } from "vitest";
import { packNumbers, roundTo } from "../../src/graph/float-types.ts";
import { checkFold, foldModel } from "../../src/index.ts";
import {
  floatAttribute,
  intAttribute,
  type netOf as NetOf,
  netOf,
  nodeOf,
  operators,
  tensorOf,
  valuesOf,
} from "./net.ts";

/** The long form is `BN_FOLD_RUNS=20000 pnpm --filter @bn/onnx exec vitest run test/fold/property.test.ts`. */
const RUNS = Number(process.env.BN_FOLD_RUNS ?? 400);

const TYPES = [
  { type: 1, u: 2 ** -24, smallest: 2 ** -150 },
  { type: 10, u: 2 ** -11, smallest: 2 ** -25 },
  { type: 11, u: 2 ** -53, smallest: 0 },
  { type: 16, u: 2 ** -8, smallest: 2 ** -134 },
] as const;

const often = fc.double({ min: -3, max: 3, noNaN: true });
const rarely = (value: number) => ({ weight: 1, arbitrary: fc.constant(value) });
const gammas = fc.oneof(
  { weight: 40, arbitrary: often },
  ...[0, -0, 1e30, -6e4, 1e-40].map(rarely),
  rarely(Number.NaN),
);
const variances = fc.oneof(
  { weight: 40, arbitrary: fc.double({ min: 1e-3, max: 10, noNaN: true }) },
  ...[0, 1e-42, 1e-310, 1e30, -1e-7, -1, Number.NaN, Number.POSITIVE_INFINITY].map(rarely),
);
const means = fc.oneof({ weight: 40, arbitrary: often }, ...[0, 1e4, -6e4, 1e30, Number.NaN].map(rarely));
const weights = fc.oneof({ weight: 200, arbitrary: often }, ...[0, -0, 1e-40, 6e4].map(rarely));

const specs = fc.record({
  op: fc.constantFrom("Conv", "ConvTranspose", "Gemm", "MatMul"),
  side: fc.constantFrom("behind", "before"),
  format: fc.constantFrom(...TYPES),
  group: fc.integer({ min: 1, max: 3 }),
  inGroup: fc.integer({ min: 1, max: 3 }),
  outGroup: fc.integer({ min: 1, max: 3 }),
  kernel: fc.constantFrom<number[]>([1, 1], [2, 1], [3], [1, 2, 2]),
  bias: fc.boolean(),
  alpha: fc.constantFrom(1, 0.5, -2),
  beta: fc.constantFrom(1, 2, -0.5, 0),
  transB: fc.boolean(),
  eps: fc.constantFrom(1e-5, 1e-3, 0, 1e-12, 1),
  draws: fc.infiniteStream(fc.tuple(weights, gammas, variances, means, often)),
});
type Spec = typeof specs extends fc.Arbitrary<infer T> ? T : never;

/** A layer by its own indices: the output and the input that every weight connects. */
function layerOf({ op, group: groups, inGroup, outGroup, kernel, transB }: Spec) {
  const flat = op === "Gemm" || op === "MatMul";
  const group = flat ? 1 : groups;
  const [inputs, outputs] = [group * inGroup, group * outGroup];
  const size = flat ? 1 : kernel.reduce((a, b) => a * b, 1);
  const places: { out: number; in: number }[] = [];
  if (op === "Conv")
    for (let o = 0; o < outputs; o++)
      for (let c = 0; c < inGroup; c++)
        for (let k = 0; k < size; k++) places.push({ out: o, in: Math.floor(o / outGroup) * inGroup + c });
  else if (op === "ConvTranspose")
    for (let c = 0; c < inputs; c++)
      for (let o = 0; o < outGroup; o++)
        for (let k = 0; k < size; k++) places.push({ out: Math.floor(c / inGroup) * outGroup + o, in: c });
  else if (op === "Gemm" && transB)
    for (let o = 0; o < outputs; o++) for (let c = 0; c < inputs; c++) places.push({ out: o, in: c });
  else for (let c = 0; c < inputs; c++) for (let o = 0; o < outputs; o++) places.push({ out: o, in: c });
  const dims = flat
    ? op === "Gemm" && transB
      ? [outputs, inputs]
      : [inputs, outputs]
    : op === "Conv"
      ? [outputs, inGroup, ...kernel]
      : [inputs, outGroup, ...kernel];
  return { flat, group, inputs, outputs, places, dims };
}

function built(spec: Spec) {
  const { op, side, format, bias, alpha, beta, eps, draws, kernel, transB } = spec;
  const layer = layerOf(spec);
  const held = (values: readonly number[]) =>
    Array.from(roundTo(format.type, Float64Array.from(values)) as Float64Array);
  const take = (count: number, at: number) =>
    held(Array.from({ length: count }, () => draws.next().value[at] as number));
  const channels = side === "behind" ? layer.outputs : layer.inputs;
  const w = take(layer.places.length, 0);
  const b = bias && op !== "MatMul" ? take(layer.outputs, 4) : null;
  const n = { gamma: take(channels, 1), beta: take(channels, 4), mean: take(channels, 3), variance: take(channels, 2) };
  const tensor = (name: string, dims: readonly number[], values: readonly number[]) => ({
    ...tensorOf(name, dims, new Float32Array(values.length)),
    dataType: format.type,
    rawData: packNumbers(format.type, values),
  });
  const attributes =
    op === "Gemm"
      ? [floatAttribute("alpha", alpha), floatAttribute("beta", beta), intAttribute("transB", transB ? 1 : 0)]
      : op === "MatMul"
        ? []
        : [intAttribute("group", layer.group)];
  const [x, z] = side === "behind" ? ["x", "z"] : ["z", "y"];
  const linear = nodeOf(op, "layer", [x, "w", ...(b ? ["b"] : [])], [z], attributes);
  const [from, to] = side === "behind" ? ["z", "y"] : ["x", "z"];
  const norm = nodeOf(
    "BatchNormalization",
    "bn",
    [from, "gamma", "beta", "mean", "variance"],
    [to],
    [floatAttribute("epsilon", eps)],
  );
  const spatial = layer.flat ? [] : kernel.map((size) => size + 2);
  const net: Parameters<typeof NetOf>[0] = {
    input: [2, layer.inputs, ...spatial],
    nodes: side === "behind" ? [linear, norm] : [norm, linear],
    tensors: [
      tensor("w", layer.dims, w),
      ...(b ? [tensor("b", [layer.outputs], b)] : []),
      ...Object.entries(n).map(([name, values]) => tensor(name, [channels], values)),
    ],
  };
  return { bytes: netOf(net), layer, w, b, n, held };
}

/** The right weights and bias in float64, and the size of the bias's terms. */
function expected(spec: Spec, { layer, w, b, n }: ReturnType<typeof built>) {
  const eps = Math.fround(spec.eps);
  const gain = n.gamma.map((g, c) => g / Math.sqrt(n.variance[c]! + eps));
  const factor = spec.op === "Gemm" ? spec.alpha : 1;
  const own = Array.from(
    { length: layer.outputs },
    (_, o) => (b?.[o] ?? 0) * (spec.op === "Gemm" ? Math.fround(spec.beta) : 1),
  );
  const sizes = own.map(Math.abs);
  const side = ({ out, in: from }: { out: number; in: number }) => (spec.side === "behind" ? out : from);
  const weights = w.map((value, i) => value * gain[side(layer.places[i]!)]!);
  const bias = own.map((value, o) => (spec.side === "behind" ? (value - n.mean[o]!) * gain[o]! + n.beta[o]! : value));
  if (spec.side === "behind")
    return {
      gain,
      weights,
      bias,
      sizes: sizes.map((size, o) => (size + Math.abs(n.mean[o]!)) * Math.abs(gain[o]!) + Math.abs(n.beta[o]!)),
    };
  for (const [i, { out, in: c }] of layer.places.entries()) {
    bias[out]! += factor * w[i]! * (n.beta[c]! - n.mean[c]! * gain[c]!);
    sizes[out]! += Math.abs(factor * w[i]!) * (Math.abs(n.beta[c]!) + Math.abs(n.mean[c]! * gain[c]!));
  }
  return { gain, weights, bias, sizes };
}

it(`${RUNS} layers and normalizations of any layout, type and numbers: right, or left with a reason that holds`, {
  timeout: 60_000 + 60 * RUNS,
}, async () => {
  const outcomes = { folded: 0, left: 0 };
  const property = fc.asyncProperty(specs, async (spec) => {
    const made = built(spec);
    const { bytes, n, held } = made;
    const right = expected(spec, made);
    const { bytes: folded, rows } = await foldModel(bytes);
    const [row] = rows;
    expect(rows).toHaveLength(1);
    const numbers = [...right.gain, ...n.mean, ...n.beta].every(Number.isFinite);
    const fit = [...held(right.weights), ...held(right.bias)].every(Number.isFinite);
    const padded =
      spec.side === "before" &&
      spec.op === "ConvTranspose" &&
      !n.beta.every((beta, c) => beta === n.mean[c]! * right.gain[c]!);
    const homeless = spec.side === "before" && spec.op === "MatMul" && right.bias.some((value) => value !== 0);
    if (row?.status === "left") {
      outcomes.left++;
      expect(operators(folded)).toEqual(operators(bytes));
      expect([numbers, fit, !padded, !homeless]).toContain(false);
      return;
    }
    outcomes.folded++;
    expect([numbers, fit, !padded]).toEqual([true, true, true]);
    const { u, smallest } = spec.format;
    const got = valuesOf(folded, "w");
    for (const [i, value] of right.weights.entries()) {
      // The weights are rounded once from float64; for a double, the roundings of float64 itself show.
      expect(Math.abs(got[i]! - value)).toBeLessThanOrEqual((u + 6 * 2 ** -53) * Math.abs(value) + smallest);
    }
    const name = ["b", "layer_bias"].find((one) => foldedNames(folded).has(one));
    const bias = name ? valuesOf(folded, name) : right.bias.map(() => 0);
    for (const [o, value] of right.bias.entries()) {
      const bound = u * Math.abs(value) + 64 * 2 ** -53 * right.sizes[o]! + smallest;
      expect(Math.abs(bias[o]! - value)).toBeLessThanOrEqual(bound);
    }
    expect((await checkFold(bytes, folded)).map(({ status }) => status)).toEqual(["right"]);
  });
  await fc.assert(property, { numRuns: RUNS, seed: 16 });
  expect(Math.min(outcomes.folded, outcomes.left)).toBeGreaterThan(RUNS / 10);
});

function foldedNames(bytes: Uint8Array): Set<string> {
  return new Set(
    ["w", "b", "layer_bias"].filter((name) => {
      try {
        valuesOf(bytes, name);
        return true;
      } catch {
        return false;
      }
    }),
  );
}
