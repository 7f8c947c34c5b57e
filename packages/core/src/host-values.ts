import type { Dtype, HostArray } from "./backend.ts";
import { BnError } from "./errors.ts";
import { type Shape, shapeText } from "./shape.ts";
import { textOf } from "./text.ts";

/** The array type that holds a dtype. */
export type ArrayOf<D extends Dtype> = D extends "float32" ? Float32Array : Float64Array;

export function newHostArray(dtype: Dtype, length: number): HostArray {
  return dtype === "float32" ? new Float32Array(length) : new Float64Array(length);
}

/**
 * Returns `values` as an array of `dtype` with `count` numbers: `values` itself if it is one already, otherwise a
 * rounded copy. Strings, null, holes and BigInts are refused, because JavaScript would silently turn some of them into
 * numbers.
 */
export function hostValues(where: string, values: unknown, dtype: Dtype, count: number, shape: Shape): HostArray {
  if (typeof values !== "object" || values === null || values instanceof Promise) {
    const cure = values instanceof Promise ? "; await it first" : "";
    throw new BnError("ERR_BN_PARAM", `${where}: values are ${textOf(values)}, expected an array of numbers${cure}`);
  }
  const { length } = values as { readonly length?: unknown };
  if (typeof length !== "number") {
    throw new BnError(
      "ERR_BN_PARAM",
      `${where}: values are ${textOf(values)} without a length, expected an array of numbers`,
    );
  }
  if (length !== count) {
    const detached = length === 0 && ArrayBuffer.isView(values) && values.buffer.byteLength === 0;
    const cure = detached ? "the array's memory was moved or transferred; create the view again" : "reshape() first";
    throw new BnError(
      "ERR_BN_SHAPE",
      `${where}: ${length} values, expected ${count} for shape ${shapeText(shape)}; ${cure}`,
    );
  }
  if (count === 0) return newHostArray(dtype, 0);
  const HostType = dtype === "float32" ? Float32Array : Float64Array;
  if (values instanceof HostType) return values;
  return rounded(where, values as ArrayLike<unknown>, dtype, count);
}

function rounded(where: string, values: ArrayLike<unknown>, dtype: Dtype, count: number): HostArray {
  const copy = newHostArray(dtype, count);
  for (let i = 0; i < count; i++) {
    const value = values[i];
    if (typeof value !== "number") {
      throw new BnError("ERR_BN_PARAM", `${where}: value ${i} is ${textOf(value)}, expected a number`);
    }
    copy[i] = value;
  }
  return copy;
}
