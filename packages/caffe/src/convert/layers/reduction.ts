import { countOf } from "../../count.ts";
import { axisOf, type Context, constant, emit, fail } from "../context.ts";
import type { Value } from "../graph.ts";
import { backwards, largest, type Reduction, reduce, reshape, softmax, timesNumber } from "../operators.ts";

const OPERATIONS: Readonly<Record<string, Reduction>> = {
  SUM: "ReduceSum",
  ASUM: "ReduceL1",
  SUMSQ: "ReduceSumSquare",
  MEAN: "ReduceMean",
};

/**
 * Reduction: coeff times the sum, sum of |x|, sum of x^2 or mean over `axis` and all axes after it, which are removed.
 */
export function reduction(context: Context, bottom: Value): Value {
  const own = context.params("reduction_param");
  const operation = own.choice("operation");
  const op = Object.hasOwn(OPERATIONS, operation) ? OPERATIONS[operation] : undefined;
  if (!op) fail(context.layer, `operation is ${operation}, expected ${Object.keys(OPERATIONS).join(", ")}`);
  const axis = axisOf(context, own.number("axis"), bottom.shape.length);
  const lead = bottom.shape.slice(0, axis);
  const flat = reshape(context, bottom, [countOf(lead), countOf(bottom.shape.slice(axis))]);
  const reduced = reduce(context, op as Reduction, flat, [1]);
  return timesNumber(context, reshape(context, reduced, lead), own.number("coeff"));
}

/** Softmax over `axis`. */
export function softmaxLayer(context: Context, bottom: Value): Value {
  const axis = axisOf(context, context.params("softmax_param").number("axis"), bottom.shape.length);
  return softmax(context, bottom, axis);
}

/** SoftmaxWithLoss: only the probabilities are converted, as the second top if there is one. */
export function softmaxWithLoss(context: Context): void {
  const { layer, bottoms, params, top, note } = context;
  const [bottom] = bottoms;
  if (!bottom) fail(layer, "has no bottoms, expected scores and labels");
  const scores = bottom as Value;
  const axis = axisOf(context, params("softmax_param").number("axis"), scores.shape.length);
  const at = layer.tops.length > 1 ? 1 : 0;
  note(`is converted as Softmax: "${layer.tops[at]}" holds the probabilities, and there is no loss`);
  top(at, softmax(context, scores, axis));
}

/**
 * ArgMax: the indices of the `top_k` largest values along `axis`, or with out_max_val the values. Without an axis, it
 * works over all axes but the first and gives [N, 1, top_k], or [N, 2, top_k] with indices and values. Among equal
 * values, Caffe takes the last one first.
 */
export function argMax(context: Context, bottom: Value): Value {
  const { layer, params, graph } = context;
  const own = params("argmax_param");
  const [values, k] = [own.flag("out_max_val"), own.number("top_k")];
  const rank = bottom.shape.length;
  const axis = own.has("axis") ? axisOf(context, own.number("axis"), rank) : null;
  if (rank < 1) fail(layer, "the bottom is a scalar, expected at least one axis");
  const seen =
    axis === null ? reshape(context, bottom, [bottom.shape[0] as number, countOf(bottom.shape.slice(1))]) : bottom;
  const along = axis ?? 1;
  const size = seen.shape[along] as number;
  if (!(k >= 1 && k <= size)) fail(layer, `top_k is ${k}, expected 1 to ${size}, the number of values to choose from`);
  const turned = backwards(context, seen, along);
  // Among equal values TopK takes the first, and Caffe the last.
  const [found, places] = largest(context, turned, along, k);
  if (axis !== null && values) {
    return found;
  }
  const counted = emit(context, "Cast", [places], places.shape, { to: graph.dtype === "float32" ? 1 : 11 });
  const last = constant(context, "last", [], [size - 1]);
  const forwards = emit(context, "Sub", [last, counted], counted.shape);
  if (axis !== null) {
    return forwards;
  }
  const shape = [bottom.shape[0] as number, 1, k, ...new Array<number>(Math.max(0, rank - 3)).fill(1)];
  const first = reshape(context, forwards, shape);
  const both = () => emit(context, "Concat", [first, reshape(context, found, shape)], shape.with(1, 2), { axis: 1 });
  return values ? both() : first;
}
