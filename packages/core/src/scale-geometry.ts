import type { Geometry } from "./backend.ts";
import { BnError } from "./errors.ts";
import { canonicalAxis, countOf, type Shape, sameShape, shapeText } from "./shape.ts";

/** Shape of the learnt scale: axes [axis, axis + numAxes) of bottom[0] (scale_layer.cpp:18-35). */
export function scaleShape(where: string, shape: Shape, axis: number, numAxes: number): Shape {
  const start = canonicalAxis(where, shape, axis);
  if (numAxes === 0) return Object.freeze([]);
  if (numAxes === -1) return Object.freeze(shape.slice(start));
  if (start + numAxes > shape.length) {
    throw new BnError(
      "ERR_BN_SHAPE",
      `${where}: the scale extends past bottom[0]: axis ${start} and numAxes ${numAxes} need ${start + numAxes} axes, shape ${shapeText(shape)} has ${shape.length}`,
    );
  }
  return Object.freeze(shape.slice(start, start + numAxes));
}

/**
 * bottom[0] as [outer][count of the scale][inner] (scale_layer.cpp:78-100). The axis of a scalar is ignored. `given`
 * says that the scale is bottom[1], whose shape the caller can correct.
 */
export function scaleGeometry(where: string, shape: Shape, scale: Shape, axis: number, given: boolean): Geometry {
  const start = scale.length === 0 ? 0 : canonicalAxis(where, shape, axis);
  const covered = shape.slice(start, start + scale.length);
  if (sameShape(covered, scale)) {
    const inner = countOf(shape, start + scale.length);
    return { outer: countOf(shape, 0, start), channels: countOf(scale), inner };
  }
  const what = given ? "bottom[1], the scale," : "the scale";
  const of = `bottom[0] (shape ${shapeText(shape)})`;
  const text =
    start + scale.length > shape.length
      ? `${what} (shape ${shapeText(scale)}) extends past ${of} from axis ${start}`
      : `${what} has shape ${shapeText(scale)}, ${of} has ${shapeText(covered)} from axis ${start}`;
  throw new BnError("ERR_BN_SHAPE", `${where}: ${text}; ${given ? cureOf(covered, scale) : "call setUp() again"}`);
}

/** Explains that Caffe does not broadcast: [N, C, 1, 1] is not a scale of [N, C, H, W], but [N, C] is. */
function cureOf(covered: Shape, scale: Shape): string {
  const ones = scale.length - scale.findLastIndex((dim) => dim !== 1) - 1;
  const bare = scale.slice(0, scale.length - ones);
  if (ones > 0 && bare.length > 0 && sameShape(covered.slice(0, bare.length), bare)) {
    return `reshape() bottom[1] to ${shapeText(bare)}: axes of length 1 are not broadcast`;
  }
  return `reshape() bottom[1] to ${covered.map((_, i) => shapeText(covered.slice(0, i + 1))).join(" or ") || "()"}`;
}
