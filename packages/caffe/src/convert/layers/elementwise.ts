import {
  bottomsOf,
  type Context,
  type Converter,
  checkAlike,
  constant,
  emit,
  fail,
  integers,
  only,
  scalar,
  single,
  weight,
} from "../context.ts";
import type { Attributes, Value } from "../graph.ts";
import { plusNumber, timesNumber } from "../operators.ts";

/** Layers that become one operator without parameters. */
export function unary(op: string): Converter {
  return single((context, bottom) => emit(context, op, [bottom], bottom.shape));
}

/** ReLU: max(x, 0) + negative_slope min(x, 0). */
export function relu(context: Context, bottom: Value): Value {
  const slope = context.params("relu_param").number("negative_slope");
  const attributes: Attributes = slope === 0 ? {} : { alpha: { float: slope } };
  return emit(context, slope === 0 ? "Relu" : "LeakyRelu", [bottom], bottom.shape, attributes);
}

/** PReLU: max(x, 0) + slope[c] min(x, 0), or one slope for all channels if they share it. */
export function prelu(context: Context, bottom: Value): Value {
  const { length } = bottom.shape;
  if (length < 2) fail(context.layer, `the bottom has shape [${bottom.shape}], expected 2 axes or more`);
  const shared = context.params("prelu_param").flag("channel_shared");
  const channels = bottom.shape[1] as number;
  const values = weight(context, 0, "slopes", shared ? [] : [channels]);
  const shape = shared ? [1] : [channels, ...new Array<number>(length - 2).fill(1)];
  return emit(context, "PRelu", [bottom, constant(context, "slope", shape, values)], bottom.shape);
}

/** ELU: x, or alpha (e^x - 1) if x <= 0. */
export function elu(context: Context, bottom: Value): Value {
  const alpha = context.params("elu_param").number("alpha");
  return emit(context, "Elu", [bottom], bottom.shape, { alpha: { float: alpha } });
}

/** Swish: x sigmoid(beta x). */
export function swish(context: Context, bottom: Value): Value {
  const scaled = timesNumber(context, bottom, context.params("swish_param").number("beta"));
  const gate = emit(context, "Sigmoid", [scaled], bottom.shape);
  return emit(context, "Mul", [bottom, gate], bottom.shape);
}

/** Clip: min(max(x, min), max). */
export function clip(context: Context, bottom: Value): Value {
  const own = context.params("clip_param");
  for (const name of ["min", "max"]) if (!own.has(name)) fail(context.layer, `has no ${name}`);
  const [low, high] = [own.number("min"), own.number("max")];
  if (!(low <= high)) fail(context.layer, `min is ${low} and max is ${high}, expected a min of at most max`);
  if (context.graph.opset < 11) {
    return emit(context, "Clip", [bottom], bottom.shape, { min: { float: low }, max: { float: high } });
  }
  const limits = [scalar(context, "min", low), scalar(context, "max", high)];
  return emit(context, "Clip", [bottom, ...limits], bottom.shape);
}

/** Exp: base^(shift + scale x), as Caffe computes it: base^shift e^(x scale ln base). */
export function exp(context: Context, bottom: Value): Value {
  const { base, scale, shift } = powers(context, "exp_param");
  const inner = scale * (base === null ? 1 : Math.log(base));
  const outer = shift === 0 ? 1 : base === null ? Math.exp(shift) : base ** shift;
  const power = emit(context, "Exp", [timesNumber(context, bottom, inner)], bottom.shape);
  return timesNumber(context, power, outer);
}

/** Log: log_base(shift + scale x). */
export function log(context: Context, bottom: Value): Value {
  const { base, scale, shift } = powers(context, "log_param");
  const inner = plusNumber(context, timesNumber(context, bottom, scale), shift);
  const logarithm = emit(context, "Log", [inner], bottom.shape);
  return timesNumber(context, logarithm, base === null ? 1 : 1 / Math.log(base));
}

function powers({ layer, params }: Context, message: string) {
  const own = params(message);
  const base = own.number("base");
  if (base !== -1 && !(base > 0)) fail(layer, `base is ${base}, expected a number above 0, or -1 for e`);
  return { base: base === -1 ? null : base, scale: own.number("scale"), shift: own.number("shift") };
}

/** Power: (shift + scale x)^power. If power or scale is 0, the result is the same number for every x. */
export function power(context: Context, bottom: Value): Value {
  const own = context.params("power_param");
  const [exponent, scale, shift] = [own.number("power"), own.number("scale"), own.number("shift")];
  if (exponent * scale === 0) {
    const value = scalar(context, "value", exponent === 0 ? 1 : shift ** exponent);
    return emit(context, "Expand", [value, integers(context, "shape", bottom.shape)], bottom.shape);
  }
  const inner = plusNumber(context, timesNumber(context, bottom, scale), shift);
  if (exponent === 1) return inner;
  return emit(context, "Pow", [inner, scalar(context, "power", exponent)], bottom.shape);
}

/** Threshold: 1 if x > threshold, else 0. */
export function threshold(context: Context, bottom: Value): Value {
  const limit = scalar(context, "threshold", context.params("threshold_param").number("threshold"));
  const above = emit(context, "Greater", [bottom, limit], bottom.shape);
  return emit(context, "Cast", [above], bottom.shape, { to: context.graph.dtype === "float32" ? 1 : 11 });
}

/** Eltwise: product, sum weighted by coeff, or maximum of bottoms with the same shape. */
export function eltwise(context: Context): Value {
  const { layer, params } = context;
  const own = params("eltwise_param");
  const bottoms = bottomsOf(context, 2, Number.POSITIVE_INFINITY);
  const [{ shape }] = bottoms as [Value];
  checkAlike(context, bottoms);
  const coefficients = own.numbers("coeff");
  const operation = own.choice("operation");
  if (coefficients.length > 0 && coefficients.length !== bottoms.length) {
    fail(layer, `has ${coefficients.length} values of coeff, expected ${bottoms.length}, one per bottom, or none`);
  }
  if (coefficients.length > 0 && operation === "PROD") fail(layer, "has coeff and operation PROD; coeff is for SUM");
  if (operation === "MAX") return emit(context, "Max", bottoms, shape);
  const combine = (op: string, terms: readonly Value[]) => terms.reduce((a, b) => emit(context, op, [a, b], shape));
  if (operation === "PROD") return combine("Mul", bottoms);
  if (operation !== "SUM") fail(layer, `operation is ${operation}, expected PROD, SUM or MAX`);
  const terms = bottoms.map((bottom, i) => timesNumber(context, bottom, coefficients[i] ?? 1));
  return combine("Add", terms);
}

/** Split and, in inference, Dropout: every top is the bottom. */
export function splitLayer(context: Context): void {
  const bottom = only(context);
  for (const [i] of context.layer.tops.entries()) context.top(i, bottom);
}
