import type { Dtype, HostArray, Shape } from "@bn/core";
import { halfToNumber, type Narrow } from "../graph/float-types.ts";
import { attributeOf, intOf } from "../graph/proto.ts";
import type { Source } from "./large.ts";
import type { ComparedNode, InstanceNode } from "./nodes.ts";
import type { Plan } from "./parts.ts";
import { batchGeometry, countOf, tiled } from "./problem.ts";
import type { Tensor } from "./runtime.ts";

/** Values of a tensor in the dtype of its arithmetic. Half types are widened to float32, exactly. */
export interface Values {
  readonly data: HostArray;
  readonly dtype: Dtype;
  readonly narrow: Narrow | null;
  readonly shape: Shape;
}

/** The values of a tensor of ONNX Runtime; null if no backend supports its type. */
export function valuesOf({ type, data, shape }: Tensor, narrow: Narrow | null): Values | null {
  if (type === "float16")
    return { data: Float32Array.from(data as Uint16Array, halfToNumber), dtype: "float32", narrow: "float16", shape };
  if (type !== "float32" && type !== "float64") return null;
  return { data: data as HostArray, dtype: type, narrow, shape };
}

/** A tensor that is read in pieces, in the dtype of its arithmetic. */
export interface Readable extends Omit<Values, "data"> {
  read(start: number, count: number): Promise<HostArray>;
}

/** The values of a source; null if no backend has its type. */
export function readableOf({ type, shape, read }: Source, narrow: Narrow | null): Readable | null {
  const none = valuesOf({ type, shape, data: type === "float64" ? new Float64Array() : new Float32Array() }, narrow);
  if (none === null) return null;
  return {
    ...{ dtype: none.dtype, narrow: none.narrow, shape },
    async read(start, count) {
      return (valuesOf({ type, shape, data: await read(start, count) }, narrow) as Values).data;
    },
  };
}

/** The operands of a node along channels, in ONNX's order. */
export type Operands = readonly Values[];

/** The problem that a node represents, without the values of X, or a text that says why it is none. */
export function planOf(node: ComparedNode, x: Omit<Values, "data">, operands: Operands): Plan | string {
  const { shape } = x;
  if (countOf(shape) === 0) return `X has shape [${shape}], which has no values, so there is nothing to compare`;
  const wide = [x, ...operands].some(({ dtype }) => dtype === "float64");
  const dtype: Dtype = wide ? "float64" : "float32";
  const base = { dtype, narrow: x.narrow, eps: node.epsilon, stashed: dtype, sums: "deviations" as const };
  const numbers = operands.map((one) => one.data);
  if (node.operator === "LayerNormalization") return layerProblem(node, { ...base, shape }, operands);
  if (node.operator !== "BatchNormalization") return instanceProblem(node, { ...base, shape }, numbers);
  const g = batchGeometry(shape, node.spatial);
  const [gamma, beta, mean, variance] = numbers as [HostArray, HostArray, HostArray, HostArray];
  if (numbers.some(({ length }) => length !== g.channels))
    return `X has shape [${shape}], ${g.channels} channels, and the parameters have [${numbers.map(({ length }) => length)}]`;
  const stats = node.training ? null : { mean, variance };
  return { ...base, g, stats, affine: { gamma, beta }, after: null };
}

type Base = Omit<Plan, "g" | "stats" | "affine" | "after"> & { readonly shape: Shape };

/** Statistics per instance: `normalize` over [1][instances][values], then gamma and beta over their own axes. */
function instanceProblem(node: InstanceNode, { shape, ...base }: Base, numbers: readonly HostArray[]): Plan | string {
  const [gamma, beta = null] = numbers as [HostArray, HostArray?];
  const [batch, channels, inner] = [shape[0] ?? 0, shape[1] ?? 1, countOf(shape, 2)];
  const misfit = (expected: number) =>
    `scale and B have [${numbers.map(({ length }) => length)}] values, expected ${expected} for X of shape [${shape}]`;
  const fits = (expected: number) => numbers.every(({ length }) => length === expected);
  if (node.operator === "InstanceNormalization") {
    if (!fits(channels)) return misfit(channels);
    const affine = { gamma: tiled(gamma, batch), beta: beta && tiled(beta, batch) };
    return { ...base, g: { outer: 1, channels: batch * channels, inner }, stats: null, affine, after: null };
  }
  const stashed = stashedOf(node, base.dtype);
  const groups = intOf(node.node, "num_groups", 0);
  if (!attributeOf(node.node, "num_groups")) return "num_groups is not given, and has no default";
  if (!(groups > 0) || channels % groups !== 0) return `num_groups is ${groups}, and X has ${channels} channels`;
  const g = { outer: 1, channels: batch * groups, inner: (channels / groups) * inner };
  const perChannel = node.opset >= 21;
  if (!fits(perChannel ? channels : groups)) return misfit(perChannel ? channels : groups);
  const shared = { ...base, stashed, sums: "squares" as const, g, stats: null };
  if (!perChannel)
    return { ...shared, affine: { gamma: tiled(gamma, batch), beta: beta && tiled(beta, batch) }, after: null };
  return { ...shared, affine: null, after: { g: { outer: batch, channels, inner }, gamma, beta } };
}

/** Statistics per row; scale and B over the normalized axes, to which they are broadcast. */
function layerProblem(node: InstanceNode, { shape, ...base }: Base, operands: Operands): Plan | string {
  const given = intOf(node.node, "axis", -1);
  const axis = given < 0 ? given + shape.length : given;
  if (axis < 0 || axis >= shape.length)
    return `axis is ${given}, expected ${-shape.length} to ${shape.length - 1} for X of shape [${shape}]`;
  const normalized = shape.slice(axis);
  const [rows, values] = [countOf(shape, 0, axis), countOf(shape, axis)];
  const affine: Float64Array[] = [];
  for (const operand of operands) {
    const wide = broadcast(operand, normalized);
    if (wide === null) return `scale or B has shape [${operand.shape}], which does not broadcast to [${normalized}]`;
    affine.push(wide);
  }
  const [gamma, beta = null] = affine as [Float64Array, Float64Array?];
  const after = { g: { outer: rows, channels: values, inner: 1 }, gamma, beta };
  const g = { outer: 1, channels: rows, inner: values };
  return { ...base, stashed: stashedOf(node, base.dtype), sums: "squares", g, stats: null, affine: null, after };
}

/** Its value is 1, float32, by default. */
function stashedOf({ node }: InstanceNode, dtype: Dtype): Dtype {
  return intOf(node, "stash_type", 1) === 1 ? "float32" : dtype;
}

/**
 * A tensor broadcast to `shape`. Its axes, counted from the last, must have the size of the shape or 1; null otherwise.
 */
function broadcast({ data, shape: own }: Values, shape: Shape): Float64Array | null {
  const sizes = own.slice(-shape.length || own.length);
  if (countOf(own) !== countOf(sizes)) return null;
  const fits = sizes.every((size, i) => size === 1 || size === shape[shape.length - sizes.length + i]);
  if (!fits) return null;
  return Float64Array.from({ length: countOf(shape) }, (_, at) => {
    let [rest, place, step] = [at, 0, 1];
    for (let back = 1; back <= shape.length; back++) {
      const [size, mine] = [shape.at(-back) as number, sizes.at(-back) ?? 1];
      if (mine !== 1) place += (rest % size) * step;
      step *= mine;
      rest = Math.floor(rest / size);
    }
    return data[place] as number;
  });
}
