import { type Context, emit, fail } from "../context.ts";
import type { Value } from "../graph.ts";
import { pad } from "../operators.ts";
import type { Params } from "../params.ts";

/** One spatial axis of a pooling layer. */
interface Axis {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
  readonly pooled: number;
  /** The number of cells beyond the end of the image that the last window covers. */
  readonly end: number;
}

/** Fields that may be set together with global_pooling. */
const NEUTRAL = [
  ["pad", 0],
  ["pad_h", 0],
  ["pad_w", 0],
  ["stride", 1],
  ["stride_h", 1],
  ["stride_w", 1],
] as const;

/** The lowest number of float32, with which Caffe's maximum starts. */
const LOWEST = -3.4028234663852886e38;

/**
 * Pooling. Math: pooled = ceil((size + 2 pad - kernel) / stride) + 1, or floor with round_mode FLOOR. With padding it
 * is one less if the last window would begin at size + pad or after it. A maximum is taken over the cells inside of the
 * image. An average divides by the number of cells between -pad and size + pad.
 */
export function pooling(context: Context, bottom: Value): Value {
  const { layer, params } = context;
  const own = params("pooling_param");
  const method = own.choice("pool");
  if (method !== "MAX" && method !== "AVE")
    fail(layer, `pool is ${method}: Caffe computes this only on GPUs, and ONNX has no such operator; use MAX or AVE`);
  if (layer.tops.length > 1) {
    fail(
      layer,
      `has ${layer.tops.length} tops: the positions of the maxima (the second top) are not converted; remove that top and the layers that read it`,
    );
  }
  if (bottom.shape.length !== 4) fail(layer, `the bottom has shape [${bottom.shape}], expected 4 axes [N, C, H, W]`);
  if (own.flag("global_pooling")) {
    return globally(context, own, bottom, method);
  }
  const axes = axesOf(context, own, bottom);
  return method === "MAX" ? maximum(context, bottom, axes) : average(context, bottom, axes);
}

function globally(context: Context, own: Params, bottom: Value, method: "MAX" | "AVE"): Value {
  for (const name of ["kernel_size", "kernel_h", "kernel_w"]) {
    if (own.has(name))
      fail(context.layer, `has global_pooling and ${name}; the window is the whole image; remove ${name}`);
  }
  for (const [name, only] of NEUTRAL) {
    if (own.has(name) && own.number(name) !== only)
      fail(context.layer, `has global_pooling and ${name} ${own.number(name)}, expected ${only}`);
  }
  const shape = [bottom.shape[0] as number, bottom.shape[1] as number, 1, 1];
  return emit(context, method === "MAX" ? "GlobalMaxPool" : "GlobalAveragePool", [bottom], shape);
}

function axesOf(context: Context, own: Params, bottom: Value): readonly [Axis, Axis] {
  const { layer } = context;
  const pair = (name: string, stem: string, absent: number | null, least: number): readonly [number, number] => {
    const two = own.has(`${stem}_h`) || own.has(`${stem}_w`);
    if (two && !(own.has(`${stem}_h`) && own.has(`${stem}_w`))) {
      fail(layer, `has one of ${stem}_h and ${stem}_w; give both, or ${name}`);
    }
    if (two && own.has(name)) fail(layer, `has ${name} and ${stem}_h or ${stem}_w; give one of them`);
    if (!two && !own.has(name) && absent === null) fail(layer, `has no ${name}`);
    const single = own.number(name);
    const found = two ? ([own.number(`${stem}_h`), own.number(`${stem}_w`)] as const) : ([single, single] as const);
    if (!found.every((value) => value >= least))
      fail(layer, `${name} is ${found.join(" x ")}, expected at least ${least}`);
    return found;
  };
  const kernel = pair("kernel_size", "kernel", null, 1);
  const stride = pair("stride", "stride", 1, 1);
  const pads = pair("pad", "pad", 0, 0);
  const mode = own.choice("round_mode");
  if (mode !== "CEIL" && mode !== "FLOOR") fail(layer, `round_mode is ${mode}, expected CEIL or FLOOR`);
  const round = mode === "CEIL" ? Math.ceil : Math.floor;
  const padded = pads.some((cells) => cells > 0);
  const axis = (i: 0 | 1): Axis => {
    const [size, k, s, p] = [bottom.shape[2 + i] as number, kernel[i], stride[i], pads[i]];
    if (p >= k) fail(layer, `pad is ${p}, expected less than the kernel's ${k}`);
    let pooled = round((size + 2 * p - k) / s) + 1;
    // With padding the last window must begin inside of the image or of the padding before it.
    if (padded && (pooled - 1) * s >= size + p) pooled--;
    if (pooled < 1)
      fail(layer, `a window of ${k} does not fit into ${size} cells with ${p} of padding; the input may be too small`);
    return { size, kernel: k, stride: s, pad: p, pooled, end: Math.max(0, (pooled - 1) * s + k - size - p) };
  };
  return [axis(0), axis(1)];
}

function maximum(context: Context, bottom: Value, axes: readonly [Axis, Axis]): Value {
  const [pads, ends] = [axes.map((axis) => axis.pad), axes.map(({ end }) => end)];
  // With a stride larger than the kernel, the last window can be empty; Caffe then gives the lowest float.
  const wide = axes.some(({ end, kernel }) => end >= kernel);
  if (!wide) return pool(context, "MaxPool", bottom, axes, [...pads, ...ends], {});
  const filled = pad(context, bottom, [0, 0, ...pads], [0, 0, ...ends], LOWEST);
  return pool(context, "MaxPool", filled, axes, [0, 0, 0, 0], {});
}

function average(context: Context, bottom: Value, axes: readonly [Axis, Axis]): Value {
  const { layer } = context;
  if (axes.some(({ end, kernel }) => end >= kernel)) {
    fail(
      layer,
      "the last window lies outside the image, where Caffe divides by 0 or less; use a stride of at most the kernel size, or round_mode FLOOR",
    );
  }
  const [pads, ends] = [axes.map((axis) => axis.pad), axes.map(({ end }) => end)];
  if (pads.every((cells) => cells === 0)) {
    // Without padding, a window is cut at the image, and so is its count.
    return pool(context, "AveragePool", bottom, axes, [...pads, ...ends], { count_include_pad: 0 });
  }
  if (axes.every((axis) => axis.end <= axis.pad)) {
    // No window reaches beyond the padding, so each divides by all of its cells.
    return pool(context, "AveragePool", bottom, axes, [...pads, ...ends], { count_include_pad: 1 });
  }
  // The padding counts, but cells of the last window beyond it do not. The padding is made of cells of 0, and ONNX's
  // own padding covers the rest.
  const filled = pad(context, bottom, [0, 0, ...pads], [0, 0, ...pads], 0);
  const beyond = axes.map((axis) => Math.max(0, axis.end - axis.pad));
  return pool(context, "AveragePool", filled, axes, [0, 0, ...beyond], { count_include_pad: 0 });
}

function pool(
  context: Context,
  op: string,
  bottom: Value,
  axes: readonly [Axis, Axis],
  pads: readonly number[],
  attributes: Readonly<Record<string, number>>,
): Value {
  const shape = [bottom.shape[0] as number, bottom.shape[1] as number, ...axes.map(({ pooled }) => pooled)];
  return emit(context, op, [bottom], shape, {
    kernel_shape: axes.map(({ kernel }) => kernel),
    strides: axes.map(({ stride }) => stride),
    pads,
    ...attributes,
  });
}
