import type { Geometry } from "./backend.ts";
import { BnError } from "./errors.ts";
import { textOf } from "./text.ts";

export type Shape = readonly number[];

/** Caffe's limits: kMaxBlobAxes (blob.hpp:14) and INT_MAX (blob.cpp:34). */
const MAX_AXES = 32;
const MAX_COUNT = 2 ** 31 - 1;

/** A shape as messages show it: `2x5x3`, or `()` for a scalar. */
export function shapeText(shape: Shape): string {
  return shape.length === 0 ? "()" : shape.map((dim) => (typeof dim === "number" ? dim : "?")).join("x");
}

/** Product of shape[start..end). */
export function countOf(shape: Shape, start = 0, end = shape.length): number {
  let count = 1;
  for (let axis = start; axis < end; axis++) count *= shape[axis] as number;
  return count;
}

/** Returns a frozen copy of `shape`, or throws the error that says why it is not a shape (blob.cpp:24, :32, :34). */
export function checkShape(where: string, shape: Shape): Shape {
  if (!Array.isArray(shape)) {
    const cure = typeof shape === "number" ? `[${shape}]` : "[2, 3]";
    throw new BnError("ERR_BN_SHAPE", `${where}: shape is ${textOf(shape)}, expected an array like ${cure}`);
  }
  if (shape.length > MAX_AXES) {
    throw new BnError("ERR_BN_SHAPE", `${where}: shape has ${shape.length} axes, expected at most ${MAX_AXES}`);
  }
  let count = 1;
  for (const [axis, dim] of shape.entries()) {
    if (!Number.isInteger(dim) || dim < 0) {
      throw new BnError(
        "ERR_BN_SHAPE",
        `${where}: axis ${axis} is ${textOf(dim)} (shape ${shapeText(shape)}), expected a whole number >= 0`,
      );
    }
    if (dim !== 0 && count > MAX_COUNT / dim) {
      throw new BnError(
        "ERR_BN_SHAPE",
        `${where}: shape ${shapeText(shape)} holds more than 2^31 - 1 elements; split the batch`,
      );
    }
    count *= dim;
  }
  return Object.freeze([...shape]);
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let axis = 0; axis < a.length; axis++) if (a[axis] !== b[axis]) return false;
  return true;
}

/** `axis` counted from the front; negative ones count from the end (blob.hpp:114-127). */
export function canonicalAxis(where: string, shape: Shape, axis: number): number {
  const axes = shape.length;
  if (!Number.isInteger(axis) || axis < -axes || axis >= axes) {
    throw new BnError(
      "ERR_BN_SHAPE",
      `${where}: axis is ${textOf(axis)}, expected a whole number from ${-axes} to ${axes - 1} for shape ${shapeText(shape)}`,
    );
  }
  return axis < 0 ? axis + axes : axis;
}

/** The tensor as [outer][axes start..end)][inner]. */
export function geometryOf(shape: Shape, start: number, end: number): Geometry {
  return { outer: countOf(shape, 0, start), channels: countOf(shape, start, end), inner: countOf(shape, end) };
}
