import type { Shape } from "@bn/core";
import { countOf } from "../../count.ts";
import { axisOf, bottomsOf, type Context, constant, emit, fail, scalar, weight } from "../context.ts";
import type { Value } from "../graph.ts";
import { plusNumber, reduce, reshape, timesNumber } from "../operators.ts";

/** The largest number of channels for which ONNX Runtime allocates memory. */
const MAX_LOCAL_SIZE = 2 ** 16;

/**
 * LRN. Math: across channels x / (k + alpha / n sum of x^2 over n channels around it)^beta; within a channel x (1 +
 * alpha mean of x^2 over n x n cells around it)^-beta, where cells outside of the image count as 0.
 */
export function lrn(context: Context, bottom: Value): Value {
  const { layer, params } = context;
  const own = params("lrn_param");
  const size = own.number("local_size");
  if (size % 2 !== 1 || size > MAX_LOCAL_SIZE) {
    fail(layer, `local_size is ${size}, expected an odd number below ${MAX_LOCAL_SIZE}`);
  }
  if (bottom.shape.length !== 4) fail(layer, `the bottom has shape [${bottom.shape}], expected 4 axes [N, C, H, W]`);
  const [alpha, beta, k] = [own.number("alpha"), own.number("beta"), own.number("k")];
  const region = own.choice("norm_region");
  if (region === "ACROSS_CHANNELS") {
    for (const [name, value] of Object.entries({ alpha, beta })) {
      if (!(value > 0)) fail(layer, `${name} is ${value}, expected a number above 0, as ONNX Runtime requires`);
    }
    const attributes = { size, alpha: { float: alpha }, beta: { float: beta }, bias: { float: k } };
    return emit(context, "LRN", [bottom], bottom.shape, attributes);
  }
  if (region !== "WITHIN_CHANNEL") fail(layer, `norm_region is ${region}, expected ACROSS_CHANNELS or WITHIN_CHANNEL`);
  const square = emit(context, "Mul", [bottom, bottom], bottom.shape);
  const mean = emit(context, "AveragePool", [square], bottom.shape, {
    kernel_shape: [size, size],
    strides: [1, 1],
    pads: new Array<number>(4).fill((size - 1) / 2),
    count_include_pad: 1,
  });
  const sum = plusNumber(context, timesNumber(context, mean, alpha), 1);
  const power = emit(context, "Pow", [sum, scalar(context, "power", -beta)], bottom.shape);
  return emit(context, "Mul", [bottom, power], bottom.shape);
}

/**
 * MVN: (x - mean) / (sqrt(variance) + eps) per channel of an image, or per image. Without normalize_variance: x - mean.
 */
export function mvn(context: Context, bottom: Value): Value {
  const { layer, params } = context;
  const { shape } = bottom;
  const own = params("mvn_param");
  if (shape.length > 4) fail(layer, `the bottom has ${shape.length} axes, expected at most 4`);
  const rows = (shape[0] ?? 1) * (own.flag("across_channels") ? 1 : (shape[1] ?? 1));
  const flat = reshape(context, bottom, [rows, countOf(shape) / rows]);
  const centred = centre(context, flat, [1]);
  if (!own.flag("normalize_variance")) {
    return reshape(context, centred, shape);
  }
  const std = emit(context, "Sqrt", [varianceOf(context, centred, [1])], [rows, 1]);
  const divisor = plusNumber(context, std, own.number("eps"));
  return reshape(context, emit(context, "Div", [centred, divisor], flat.shape), shape);
}

/** BatchNorm with the statistics of its own batch: (x - mean) / sqrt(variance + eps) per channel. */
export function normalizeBatch(context: Context, bottom: Value, eps: number): Value {
  const axes = bottom.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const centred = centre(context, bottom, axes);
  const variance = plusNumber(context, varianceOf(context, centred, axes), eps);
  return emit(context, "Div", [centred, emit(context, "Sqrt", [variance], variance.shape)], bottom.shape);
}

function centre(context: Context, value: Value, axes: readonly number[]): Value {
  return emit(context, "Sub", [value, reduce(context, "ReduceMean", value, axes)], value.shape);
}

function varianceOf(context: Context, centred: Value, axes: readonly number[]): Value {
  return reduce(context, "ReduceMean", emit(context, "Mul", [centred, centred], centred.shape), axes);
}

/** Scale: x * scale + bias, with stored values or a second bottom, from `axis` on. */
export function scaleLayer(context: Context): Value {
  const { params, bottoms } = context;
  const own = params("scale_param");
  const { bottom, shape, axis, given } = spread(context, own.number("axis"), own.number("num_axes"));
  const factor = given ?? constant(context, "scale", wide(shape, axis, bottom), weight(context, 0, "a scale", shape));
  const product = emit(context, "Mul", [bottom, factor], bottom.shape);
  if (!own.flag("bias_term")) {
    return product;
  }
  const values = weight(context, bottoms.length === 1 ? 1 : 0, "a bias", shape);
  return emit(context, "Add", [product, constant(context, "bias", wide(shape, axis, bottom), values)], bottom.shape);
}

/** Bias: x + bias, with stored values or a second bottom, from `axis` on. */
export function bias(context: Context): Value {
  const own = context.params("bias_param");
  const { bottom, shape, axis, given } = spread(context, own.number("axis"), own.number("num_axes"));
  const term = given ?? constant(context, "bias", wide(shape, axis, bottom), weight(context, 0, "a bias", shape));
  return emit(context, "Add", [bottom, term], bottom.shape);
}

interface Spread {
  readonly bottom: Value;
  readonly shape: Shape;
  readonly axis: number;
  /** The second bottom, reshaped to broadcast to the first. */
  readonly given: Value | null;
}

/** The axes of the bottom that the operand covers, by Caffe's rules for Scale and Bias. */
function spread(context: Context, given: number, axes: number): Spread {
  const { layer } = context;
  const [bottom, second] = bottomsOf(context, 1, 2) as [Value, Value?];
  const rank = bottom.shape.length;
  if (second) {
    // A single number broadcasts to any shape, and its axis is ignored.
    const axis = second.shape.length === 0 ? 0 : axisOf(context, given, rank);
    for (const [i, size] of second.shape.entries()) {
      if (bottom.shape[axis + i] === size) continue;
      fail(
        layer,
        `bottom 1 has shape [${second.shape}], which does not fit bottom 0 [${bottom.shape}] from axis ${axis} on`,
      );
    }
    return { bottom, shape: second.shape, axis, given: reshape(context, second, wide(second.shape, axis, bottom)) };
  }
  const axis = axisOf(context, given, rank);
  if (axes < -1) fail(layer, `num_axes is ${axes}, expected -1 or more`);
  const end = axes === -1 ? rank : axis + axes;
  if (end > rank) fail(layer, `num_axes is ${axes} from axis ${axis} on, and the bottom has ${rank} axes`);
  return { bottom, shape: bottom.shape.slice(axis, end), axis, given: null };
}

/** Appends ones to the shape, so that it has the right position for rules that count axes from the last. */
function wide(shape: Shape, axis: number, bottom: Value): Shape {
  return shape.length === 0 ? [] : [...shape, ...new Array<number>(bottom.shape.length - axis - shape.length).fill(1)];
}
