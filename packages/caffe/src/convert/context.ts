import { BnError, type HostArray, type Shape } from "@bn/core";
import type { NormRecord } from "@bn/onnx";
import type { CaffeBlob } from "../binary/blob.ts";
import { countOf, MAX_COUNT } from "../count.ts";
import type { CaffeRecord } from "../layers/record.ts";
import type { NetworkLayer } from "../net/network.ts";
import { type Attributes, addIntegers, addNode, addTensor, type Graph, newValue, type Value } from "./graph.ts";
import type { Params } from "./params.ts";

/** The arguments of the function for a layer type: its layer, its inputs, and where to put nodes. */
export interface Context {
  readonly graph: Graph;
  readonly layer: NetworkLayer;
  readonly bottoms: readonly Value[];
  /** The layer's own parameters, e.g. `convolution_param`. */
  readonly params: (message: string) => Params;
  /** Stored blob `i` of the layer. */
  readonly weights: (i: number) => CaffeBlob | undefined;
  readonly note: (what: string) => void;
  /** The only layer that reads the top, or null. */
  readonly next: () => Context | null;
  /** Marks that layer as handled by this one. */
  readonly absorb: (next: Context) => void;
  /** Checks that every stored blob was used, and every top was given a value. */
  readonly done: () => void;
  /** The layer's normalization, read from its blobs. Errors: if it cannot be read. */
  readonly record: () => CaffeRecord;
  /** Records a normalization that became a BatchNormalization node. */
  readonly norm: (record: NormRecord) => void;
  /** Gives top `i` its value, which is the bottom itself if nothing changes. */
  readonly top: (i: number, value: Value) => void;
}

/** Converts one layer. */
export type Converter = (context: Context) => void;

/** Throws an error that names file, layer and type. */
export function fail(layer: NetworkLayer, what: string): never {
  throw new BnError("ERR_BN_DATA", `${layer.label}: ${what}`);
}

/** Adds a node with one output of `shape`. */
export function emit(
  context: Context,
  op: string,
  input: readonly Value[],
  shape: Shape,
  attributes: Attributes = {},
): Value {
  return emitAll(context, op, input, [shape], attributes)[0] as Value;
}

/** Adds a node with several outputs. */
export function emitAll(
  { graph, layer }: Context,
  op: string,
  input: readonly Value[],
  shapes: readonly Shape[],
  attributes: Attributes = {},
): Value[] {
  for (const shape of shapes) checkCount(layer, shape);
  const outputs = shapes.map((shape) => newValue(graph, shape, `${layer.name}/${op}`));
  addNode(graph, op, layer.name, input, outputs, attributes);
  return outputs;
}

function checkCount(layer: NetworkLayer, shape: Shape): void {
  if (countOf(shape) <= MAX_COUNT) return;
  fail(layer, `would give shape [${shape}], more than ${MAX_COUNT} values, Caffe's limit`);
}

/** A stored tensor in the network's dtype. */
export function constant({ graph, layer }: Context, what: string, shape: Shape, data: ArrayLike<number>): Value {
  return addTensor(graph, `${layer.name}/${what}`, shape, data);
}

/** A single number, which broadcasts to any shape. */
export function scalar(context: Context, what: string, number: number): Value {
  return constant(context, what, [], [number]);
}

/** Integers: shapes, axes, indices. */
export function integers({ graph, layer }: Context, what: string, numbers: readonly number[]): Value {
  return addIntegers(graph, `${layer.name}/${what}`, numbers);
}

/** The only bottom. Errors: if there are none, or several. */
export function only(context: Context): Value {
  return bottomsOf(context, 1, 1)[0] as Value;
}

/** The converter of a layer with one bottom and one top, which `make` computes. */
export function single(make: (context: Context, bottom: Value) => Value): Converter {
  return joined((context) => make(context, only(context)));
}

/** The converter of a layer with any bottoms and one top, which `make` computes. */
export function joined(make: (context: Context) => Value): Converter {
  return (context) => context.top(0, make(context));
}

/** The bottoms after a check of their number; there must be one top. */
export function bottomsOf({ layer, bottoms }: Context, least: number, most: number): readonly Value[] {
  const expected =
    least === most ? `${least}` : most === Number.POSITIVE_INFINITY ? `${least} or more` : `${least} to ${most}`;
  if (bottoms.length < least || bottoms.length > most)
    fail(layer, `has ${bottoms.length} bottoms, expected ${expected}`);
  return bottoms;
}

/** Errors: if the shape of a bottom differs from that of bottom 0, apart from `axis`. */
export function checkAlike({ layer }: Context, bottoms: readonly Value[], axis: number | null = null): void {
  const [{ shape: expected }] = bottoms as [Value];
  const except = axis === null ? "" : ` except for axis ${axis}`;
  for (const [i, { shape }] of bottoms.entries()) {
    if (shape.length === expected.length && shape.every((size, at) => at === axis || size === expected[at])) continue;
    const [own, first] = [`bottom ${i} "${layer.bottoms[i]?.blob}"`, `bottom 0 "${layer.bottoms[0]?.blob}"`];
    fail(layer, `${own} has shape [${shape}], expected [${expected}] as ${first}${except}`);
  }
}

/** `axis` counted from 0. Errors: if the bottom has no such axis. */
export function axisOf({ layer }: Context, axis: number, rank: number, what = "axis"): number {
  const at = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(at) && at >= 0 && at < rank) return at;
  return fail(layer, `${what} is ${axis}, and the bottom has ${rank} axes`);
}

/** The values of stored blob `i`, whose shape must be `expected`. */
export function weight({ layer, weights }: Context, i: number, what: string, expected: Shape): HostArray {
  const found = weights(i);
  if (!found) {
    return fail(
      layer,
      `the weights do not hold ${what} [${expected}], blob ${i}; check that they belong to this net, and are trained`,
    );
  }
  if (fits(found, expected)) return found.data;
  return fail(
    layer,
    `blob ${i} of the weights has shape [${found.shape}], expected ${what} [${expected}] as in the net; check that the weights belong to this net`,
  );
}

/** Caffe's rule: the shapes must be equal, but the old form of four numbers may begin with ones. */
function fits({ shape, legacy }: CaffeBlob, expected: Shape): boolean {
  const wanted = legacy ? [...new Array<number>(Math.max(0, 4 - expected.length)).fill(1), ...expected] : expected;
  return shape.length === wanted.length && shape.every((size, i) => size === wanted[i]);
}
