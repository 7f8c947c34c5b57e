import type { Shape } from "@bn/core";
import { countOf } from "../../count.ts";
import { axisOf, bottomsOf, type Context, checkAlike, emit, fail, integers, only } from "../context.ts";
import type { Value } from "../graph.ts";
import { reshape, slice, split, transpose } from "../operators.ts";
import type { Params } from "../params.ts";

/** `axis`, or the field of an earlier version. The earlier field counts from 0. */
function axisNamed({ layer }: Context, own: Params, old: string): number {
  if (!own.has(old)) return own.number("axis");
  if (own.has("axis")) fail(layer, `has axis and ${old}, its old name; give one of them`);
  return own.number(old);
}

/** Concat: joins bottoms along `axis`. */
export function concat(context: Context): Value {
  const bottoms = bottomsOf(context, 1, Number.POSITIVE_INFINITY);
  const [{ shape }] = bottoms as [Value];
  const axis = axisOf(context, axisNamed(context, context.params("concat_param"), "concat_dim"), shape.length);
  checkAlike(context, bottoms, axis);
  const joined = bottoms.reduce((sum, bottom) => sum + (bottom.shape[axis] as number), 0);
  return bottoms.length === 1
    ? (bottoms[0] as Value)
    : emit(context, "Concat", bottoms, shape.with(axis, joined), { axis });
}

/** Slice: cuts along `axis` before each slice_point, or into equal parts. */
export function sliceLayer(context: Context): void {
  const { layer, params } = context;
  const bottom = only(context);
  const own = params("slice_param");
  const axis = axisOf(context, axisNamed(context, own, "slice_dim"), bottom.shape.length);
  const size = bottom.shape[axis] as number;
  const points = own.numbers("slice_point");
  const parts = layer.tops.length;
  if (points.length === 0 && size % parts !== 0)
    fail(layer, `axis ${axis} has ${size}, which cannot be divided equally between ${parts} tops; give slice_point`);
  if (points.length > 0 && points.length !== parts - 1) {
    fail(layer, `has ${points.length} slice points and ${parts} tops, expected ${parts - 1}, one fewer than tops`);
  }
  const cuts = points.length > 0 ? [0, ...points, size] : layer.tops.map((_, i) => (i * size) / parts).concat(size);
  const sizes = cuts.slice(1).map((cut, i) => cut - (cuts[i] as number));
  if (sizes.some((one) => one < 1))
    fail(
      layer,
      `slice points ${points.join(", ")} must increase, from at least 1 to less than ${size}, the size of axis ${axis}`,
    );
  for (const [i, part] of split(context, bottom, axis, sizes).entries()) context.top(i, part);
}

/** Flatten: joins axes `axis` to `end_axis` into one. */
export function flatten(context: Context, bottom: Value): Value {
  const own = context.params("flatten_param");
  const rank = bottom.shape.length;
  const axis = axisOf(context, own.number("axis"), rank);
  const end = axisOf(context, own.number("end_axis"), rank, "end_axis");
  if (end < axis)
    fail(context.layer, `end_axis is ${end} and axis is ${axis}, expected an end at the start or after it`);
  const middle = countOf(bottom.shape.slice(axis, end + 1));
  return reshape(context, bottom, [...bottom.shape.slice(0, axis), middle, ...bottom.shape.slice(end + 1)]);
}

/**
 * Reshape: replaces `num_axes` axes from `axis` on by those of `shape`, where 0 copies the bottom's size and -1 is
 * inferred.
 */
export function reshapeLayer(context: Context, bottom: Value): Value {
  const { layer, params } = context;
  const own = params("reshape_param");
  const rank = bottom.shape.length;
  const dims = own.params("shape").numbers("dim");
  // -1 means the position after the last axis.
  const given = own.number("axis");
  const start = given >= 0 ? given : rank + given + 1;
  const axes = own.number("num_axes");
  if (start < 0 || start > rank) fail(layer, `axis is ${given}, and the bottom has ${rank} axes`);
  const end = axes === -1 ? rank : start + axes;
  if (axes < -1 || end > rank) fail(layer, `num_axes is ${axes} from axis ${start}, and the bottom has ${rank} axes`);
  const sizes = dims.map((dim, i) => {
    if (dim < -1) fail(layer, `shape has the size ${dim}, expected 0, -1 or more`);
    if (dim !== 0) return dim;
    if (start + i >= rank)
      fail(layer, `shape has 0 at ${i}, and the bottom [${bottom.shape}] has no axis ${start + i} to copy`);
    return bottom.shape[start + i] as number;
  });
  if (sizes.filter((size) => size === -1).length > 1) fail(layer, "shape has -1 more than once");
  const around = countOf(bottom.shape.slice(0, start)) * countOf(bottom.shape.slice(end));
  const known = sizes.reduce((a, b) => (b === -1 ? a : a * b), around);
  const left = countOf(bottom.shape) / known;
  if (sizes.includes(-1) && !Number.isInteger(left))
    fail(layer, `the bottom [${bottom.shape}] does not fill shape ${dims.join(" ")}`);
  const shape = [
    ...bottom.shape.slice(0, start),
    ...sizes.map((size) => (size === -1 ? left : size)),
    ...bottom.shape.slice(end),
  ];
  return reshape(context, bottom, shape);
}

/** Crop: cuts bottom 0 to the size of bottom 1 in the axes from `axis` on, starting at `offset`. */
export function crop(context: Context): Value {
  const { layer, params } = context;
  const [bottom, like] = bottomsOf(context, 2, 2) as [Value, Value];
  const own = params("crop_param");
  const rank = bottom.shape.length;
  if (like.shape.length !== rank)
    fail(layer, `bottom 1 has shape [${like.shape}], expected ${rank} axes as bottom 0 [${bottom.shape}]`);
  const axis = axisOf(context, own.number("axis"), rank);
  const offsets = own.numbers("offset");
  if (offsets.length > 1 && offsets.length !== rank - axis) {
    fail(layer, `has ${offsets.length} offsets, expected 1 or ${rank - axis}, one per axis from ${axis} on`);
  }
  const starts = bottom.shape.map((_, i) => (i < axis ? 0 : (offsets[offsets.length === 1 ? 0 : i - axis] ?? 0)));
  const shape = bottom.shape.map((size, i) => (i < axis ? size : (like.shape[i] as number)));
  for (const [i, size] of bottom.shape.entries()) {
    if ((starts[i] as number) + (shape[i] as number) > size) {
      fail(layer, `needs ${shape[i]} from ${starts[i]} on in axis ${i}, and bottom 0 has ${size} there`);
    }
  }
  return slice(context, bottom, starts, shape);
}

/** Permute, of SSD's Caffe: reorders axes; axes that are not named follow in order. */
export function permute(context: Context, bottom: Value): Value {
  const { layer, params } = context;
  const order = params("permute_param").numbers("order");
  const rank = bottom.shape.length;
  if (new Set(order).size !== order.length || order.some((axis) => axis >= rank)) {
    fail(layer, `order is ${order.join(", ")}, expected axes of the bottom's ${rank}, each once`);
  }
  const rest = bottom.shape.flatMap((_, axis) => (order.includes(axis) ? [] : [axis]));
  return transpose(context, bottom, [...order, ...rest]);
}

/** Tile: `tiles` copies along `axis`. */
export function tile(context: Context, bottom: Value): Value {
  const { layer, params } = context;
  const own = params("tile_param");
  const axis = axisOf(context, own.number("axis"), bottom.shape.length);
  const tiles = own.number("tiles");
  if (tiles < 1) fail(layer, own.has("tiles") ? `tiles is ${tiles}, expected 1 or more` : "has no tiles");
  const shape: Shape = bottom.shape.with(axis, (bottom.shape[axis] as number) * tiles);
  const repeats = bottom.shape.map((_, i) => (i === axis ? tiles : 1));
  return emit(context, "Tile", [bottom, integers(context, "repeats", repeats)], shape);
}
