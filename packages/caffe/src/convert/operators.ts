import type { Shape } from "@bn/core";
import { countOf } from "../count.ts";
import { type Context, emit, emitAll, fail, integers, scalar } from "./context.ts";
import type { Value } from "./graph.ts";

/** Operators whose form depends on the operator set, and short forms of others. */

/** `value` with another shape of the same size; the same value if it already has that shape. */
export function reshape(context: Context, value: Value, shape: Shape): Value {
  if (String(shape) === String(value.shape) && shape.length === value.shape.length) return value;
  if (countOf(shape) !== countOf(value.shape)) {
    fail(context.layer, `[${value.shape}] has ${countOf(value.shape)} values and does not fit shape [${shape}]`);
  }
  return emit(context, "Reshape", [value, integers(context, "shape", shape)], shape);
}

export function transpose(context: Context, value: Value, perm: readonly number[]): Value {
  if (perm.every((axis, i) => axis === i)) return value;
  const shape = perm.map((axis) => value.shape[axis] as number);
  return emit(context, "Transpose", [value], shape, { perm });
}

const SLICE = ["starts", "ends", "axes", "steps"] as const;

/** The part of each axis in [starts, starts + shape). */
export function slice(context: Context, value: Value, starts: readonly number[], shape: Shape): Value {
  const cut = shape.flatMap((size, axis) => (size === value.shape[axis] ? [] : [axis]));
  if (cut.length === 0) return value;
  const from = cut.map((axis) => starts[axis] as number);
  const to = cut.map((axis) => (starts[axis] as number) + (shape[axis] as number));
  if (context.graph.opset < 10) return emit(context, "Slice", [value], shape, { axes: cut, starts: from, ends: to });
  const inputs = [from, to, cut].map((numbers, i) => integers(context, SLICE[i] as string, numbers));
  return emit(context, "Slice", [value, ...inputs], shape);
}

/** The largest number, which means "to the end" in Slice. */
const END = 2 ** 31 - 1;
/** The most indices that a model may store, in operator set 9. */
const MAX_INDICES = 2 ** 24;

/** The same values in reverse order along `axis`. */
export function backwards(context: Context, value: Value, axis: number): Value {
  const size = value.shape[axis] as number;
  if (context.graph.opset >= 10) {
    const inputs = [-1, -END, axis, -1].map((number, i) => integers(context, SLICE[i] as string, [number]));
    return emit(context, "Slice", [value, ...inputs], value.shape);
  }
  if (size > MAX_INDICES)
    fail(context.layer, `looks at ${size} values, more than operator set 9 supports; use --opset 13`);
  const indices = Array.from({ length: size }, (_, i) => size - 1 - i);
  return emit(context, "Gather", [value, integers(context, "backwards", indices)], value.shape, { axis });
}

/** Cuts `axis` into parts of these sizes. */
export function split(context: Context, value: Value, axis: number, sizes: readonly number[]): Value[] {
  const shapes = sizes.map((size) => value.shape.with(axis, size));
  if (sizes.length === 1) return [value];
  if (context.graph.opset < 13) return emitAll(context, "Split", [value], shapes, { axis, split: sizes });
  return emitAll(context, "Split", [value, integers(context, "split", sizes)], shapes, { axis });
}

/** Adds cells that hold `fill` to each axis, `begin` of them before and `end` after. */
export function pad(
  context: Context,
  value: Value,
  begin: readonly number[],
  end: readonly number[],
  fill: number,
): Value {
  if ([...begin, ...end].every((cells) => cells === 0)) return value;
  const shape = value.shape.map((size, i) => size + (begin[i] as number) + (end[i] as number));
  const pads = [...begin, ...end];
  if (context.graph.opset < 11) return emit(context, "Pad", [value], shape, { pads, value: { float: fill } });
  return emit(context, "Pad", [value, integers(context, "pads", pads), scalar(context, "fill", fill)], shape);
}

export type Reduction = "ReduceMean" | "ReduceSum" | "ReduceL1" | "ReduceSumSquare";

/** The first operator set in which `axes` is an input. */
const AXES_AS_INPUT: Readonly<Record<Reduction, number>> = {
  ReduceSum: 13,
  ReduceMean: 18,
  ReduceL1: 18,
  ReduceSumSquare: 18,
};

/** Reduces over `axes`, each of which keeps size 1. */
export function reduce(context: Context, op: Reduction, value: Value, axes: readonly number[]): Value {
  const shape = value.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  if (context.graph.opset < AXES_AS_INPUT[op]) return emit(context, op, [value], shape, { axes, keepdims: 1 });
  return emit(context, op, [value, integers(context, "axes", axes)], shape, { keepdims: 1 });
}

/** Softmax over one axis. Before operator set 13, Softmax was taken over that axis and all after it together. */
export function softmax(context: Context, value: Value, axis: number): Value {
  const last = value.shape.length - 1;
  if (context.graph.opset >= 13 || axis === last) return emit(context, "Softmax", [value], value.shape, { axis });
  const perm = value.shape.map((_, i) => (i === axis ? last : i === last ? axis : i));
  const turned = transpose(context, value, perm);
  return transpose(context, emit(context, "Softmax", [turned], turned.shape, { axis: last }), perm);
}

/**
 * The `k` largest values along `axis` and their indices, in descending order. Among equal values the first comes first.
 */
export function largest(context: Context, value: Value, axis: number, k: number): readonly [Value, Value] {
  const shapes = [value.shape.with(axis, k), value.shape.with(axis, k)];
  const outputs =
    context.graph.opset < 10
      ? emitAll(context, "TopK", [value], shapes, { axis, k })
      : emitAll(context, "TopK", [value, integers(context, "k", [k])], shapes, { axis });
  return outputs as [Value, Value];
}

/** Combines elementwise with one number; adds no node if that changes no value. */
export function timesNumber(context: Context, value: Value, number: number): Value {
  return number === 1 ? value : emit(context, "Mul", [value, scalar(context, "factor", number)], value.shape);
}

export function plusNumber(context: Context, value: Value, number: number): Value {
  return number === 0 ? value : emit(context, "Add", [value, scalar(context, "shift", number)], value.shape);
}
