import { random } from "../random.ts";

/**
 * The number of normal numbers in the pool from which tensors are taken. Drawing one number per element would cost more
 * than the kernels. 65,521 is a prime.
 */
export const POOL = 65_521;
let pool: Float64Array | undefined;

export function noise(): Float64Array {
  if (pool) return pool;
  const r = random("coverage");
  pool = Float64Array.from({ length: POOL }, () => r.normal());
  return pool;
}
