import type { Dtype, HostArray } from "@bn/core";
import { hostArray } from "../data.ts";
import { type KindTables, kindTables, VARIANTS } from "./kinds.ts";
import { noise, POOL } from "./noise.ts";
import { fillTensor, type Spread } from "./tensor.ts";

/** After so many elements, values have another mean and deviation. */
const STRETCH = 97;

type Field = "x" | "dy";
const FIELDS: Readonly<Record<Field, (tables: KindTables) => Spread>> = {
  x: ({ mean, std, zeros }) => ({ mean, std, zeros }),
  dy: ({ none, dyStd, dyZeros }) => ({ mean: none, std: dyStd, zeros: dyZeros }),
};
const made: Readonly<Record<Dtype, Map<Field, HostArray>>> = { float32: new Map(), float64: new Map() };

/**
 * A tensor of normal values, which is a part of one long array. It must not be written. Most elements of the tier
 * `default` are in large tensors of normal values, and making each one again takes as long as the kernels do.
 */
export function normalTensor(dtype: Dtype, field: Field, start: number, length: number): HostArray {
  const end = start + length;
  let values = made[dtype].get(field);
  if (values === undefined || values.length < end) {
    values = normalValues(dtype, field, Math.max(2 * end, POOL));
    made[dtype].set(field, values);
  }
  return values.subarray(start, end);
}

/** A longer array begins with the values of a shorter one. */
function normalValues(dtype: Dtype, field: Field, length: number): HostArray {
  const channels = Math.ceil(length / STRETCH);
  const values = hostArray(dtype, channels * STRETCH);
  // The variants of the first kind, which is normal.
  const places = Int32Array.from({ length: channels }, (_, c) => c % VARIANTS);
  fillTensor(values, { outer: 1, channels, inner: STRETCH }, places, noise(), 0, FIELDS[field](kindTables(dtype)));
  return values;
}
