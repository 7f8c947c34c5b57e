import { count, type Tensor, zeros } from "./bounded.ts";
import type { Given } from "./layers.ts";

/** Layers that only move values. Their bounds are those of their inputs. */

const axisOf = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);

/** A tensor whose element at `place` is the bottom's element at `from(place)`. */
function gather(
  bottom: Tensor,
  shape: readonly number[],
  from: (place: readonly number[]) => readonly number[],
): Tensor {
  const top = zeros(shape);
  const place = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < top.value.length; i++) {
    let rest = i;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place[axis] = rest % (shape[axis] as number);
      rest = Math.floor(rest / (shape[axis] as number));
    }
    const at = from(place).reduce((index, k, axis) => index * (bottom.shape[axis] as number) + k, 0);
    top.value[i] = bottom.value[at] as number;
    top.error[i] = bottom.error[at] as number;
  }
  return top;
}

const shaped = (bottom: Tensor, shape: readonly number[]): readonly Tensor[] => [{ ...bottom, shape }];

export function join({ layer, bottoms }: Given): readonly Tensor[] {
  const own = layer.concatParam;
  const [{ shape }] = bottoms as [Tensor];
  const old = own !== undefined && Object.hasOwn(own, "concatDim");
  const axis = axisOf(old ? own.concatDim : (own?.axis ?? 1), shape.length);
  const sizes = bottoms.map((bottom) => bottom.shape[axis] as number);
  const top = zeros(
    shape.with(
      axis,
      sizes.reduce((a, b) => a + b, 0),
    ),
  );
  let start = 0;
  for (const [b, bottom] of bottoms.entries()) {
    const run = count(bottom.shape, axis);
    const whole = count(top.shape, axis);
    for (let o = 0; o < count(shape, 0, axis); o++) {
      const offset = o * whole + start * count(shape, axis + 1);
      top.value.set(bottom.value.subarray(o * run, (o + 1) * run), offset);
      top.error.set(bottom.error.subarray(o * run, (o + 1) * run), offset);
    }
    start += sizes[b] as number;
  }
  return [top];
}

export function sliceApart({ layer, bottoms: [x] }: Given): readonly Tensor[] {
  const bottom = x as Tensor;
  const own = layer.sliceParam;
  const old = own !== undefined && Object.hasOwn(own, "sliceDim");
  const axis = axisOf(old ? own.sliceDim : (own?.axis ?? 1), bottom.shape.length);
  const size = bottom.shape[axis] as number;
  const parts = layer.top.length;
  const points = own?.slicePoint ?? [];
  const cuts =
    points.length > 0 ? [0, ...points, size] : Array.from({ length: parts + 1 }, (_, i) => (i * size) / parts);
  return layer.top.map((_, i) => {
    const [from, to] = [cuts[i] as number, cuts[i + 1] as number];
    return gather(bottom, bottom.shape.with(axis, to - from), (place) =>
      place.with(axis, (place[axis] as number) + from),
    );
  });
}

export function flatten({ layer, bottoms: [x] }: Given): readonly Tensor[] {
  const bottom = x as Tensor;
  const { shape } = bottom;
  const start = axisOf(layer.flattenParam?.axis ?? 1, shape.length);
  const end = axisOf(layer.flattenParam?.endAxis ?? -1, shape.length);
  return shaped(bottom, [...shape.slice(0, start), count(shape, start, end + 1), ...shape.slice(end + 1)]);
}

export function reshape({ layer, bottoms: [x] }: Given): readonly Tensor[] {
  const bottom = x as Tensor;
  const { shape } = bottom;
  const own = layer.reshapeParam;
  const dims = (own?.shape?.dim ?? []).map(Number);
  const start = (own?.axis ?? 0) < 0 ? shape.length + (own?.axis ?? 0) + 1 : (own?.axis ?? 0);
  const end = (own?.numAxes ?? -1) === -1 ? shape.length : start + (own?.numAxes ?? 0);
  const copied = dims.map((dim, i) => (dim === 0 ? (shape[start + i] as number) : dim));
  const known = copied.reduce((a, b) => (b === -1 ? a : a * b), count(shape, 0, start) * count(shape, end));
  const filled = copied.map((dim) => (dim === -1 ? bottom.value.length / known : dim));
  return shaped(bottom, [...shape.slice(0, start), ...filled, ...shape.slice(end)]);
}

export function crop({ layer, bottoms }: Given): readonly Tensor[] {
  const [bottom, like] = bottoms as [Tensor, Tensor];
  const axis = axisOf(layer.cropParam?.axis ?? 2, bottom.shape.length);
  const offsets = layer.cropParam?.offset ?? [];
  const start = (i: number) =>
    i < axis ? 0 : offsets.length === 0 ? 0 : (offsets[offsets.length === 1 ? 0 : i - axis] as number);
  const shape = bottom.shape.map((size, i) => (i < axis ? size : (like.shape[i] as number)));
  return [gather(bottom, shape, (place) => place.map((k, i) => k + start(i)))];
}

export function permute({ layer, bottoms: [x] }: Given): readonly Tensor[] {
  const bottom = x as Tensor;
  const order = [...(layer.permuteParam?.order ?? [])];
  for (const axis of bottom.shape.keys()) if (!order.includes(axis)) order.push(axis);
  const shape = order.map((axis) => bottom.shape[axis] as number);
  return [gather(bottom, shape, (place) => bottom.shape.map((_, axis) => place[order.indexOf(axis)] as number))];
}

export function tile({ layer, bottoms: [x] }: Given): readonly Tensor[] {
  const bottom = x as Tensor;
  const axis = axisOf(layer.tileParam?.axis ?? 1, bottom.shape.length);
  const size = bottom.shape[axis] as number;
  const shape = bottom.shape.with(axis, size * (layer.tileParam?.tiles ?? 1));
  return [gather(bottom, shape, (place) => place.with(axis, (place[axis] as number) % size))];
}
