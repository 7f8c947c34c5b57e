import type { Shape } from "@bn/core";

/** The largest number of values that Caffe can count in a blob. */
export const MAX_COUNT = 2 ** 31 - 1;

/** The number of values of a shape. */
export function countOf(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}
