import type { Backend, DeviceBuffer, Dtype, HostArray } from "@bn/core";
import { hostArray } from "./data.ts";

/** Elements behind the end of every buffer, which no kernel may touch, and what they hold: other numbers in each. */
const PAD = 9;
const GUARD = 7777;

/** Buffers of one case on one backend: longer than needed, guarded, and disposed together. */
export interface Operands {
  readonly backend: Backend;
  readonly dtype: Dtype;
  /** A buffer that holds `values`. */
  input(values: ArrayLike<number>): DeviceBuffer;
  /** A buffer for a result, with `prior` (by default garbage) in it. */
  output(length: number, prior?: ArrayLike<number>): DeviceBuffer;
  /** What lies in `buffer` after all work; throws where anything behind its end was touched. */
  read(what: string, buffer: DeviceBuffer): Promise<HostArray>;
}

export async function withOperands<T>(
  backend: Backend,
  dtype: Dtype,
  use: (operands: Operands) => Promise<T>,
): Promise<T> {
  const guards = new Map<DeviceBuffer, number>();
  const input = (values: ArrayLike<number>) => {
    const guard = GUARD + guards.size;
    const padded = hostArray(dtype, values.length + PAD).fill(guard);
    padded.set(values);
    const buffer = backend.alloc(dtype, padded.length);
    guards.set(buffer, guard);
    backend.write(buffer, padded);
    return buffer;
  };
  const read = async (what: string, buffer: DeviceBuffer) => {
    const all = await backend.read(buffer, buffer.length);
    const length = all.length - PAD;
    for (let i = length; i < all.length; i++) {
      if (all[i] !== guards.get(buffer))
        throw new Error(`${what}: element ${i} of a buffer was touched, ${length} were the kernel's`);
    }
    return all.slice(0, length);
  };
  const output = (length: number, prior?: ArrayLike<number>) => input(prior ?? new Float32Array(length).fill(-55.5));
  try {
    return await use({ backend, dtype, input, output, read });
  } finally {
    for (const buffer of guards.keys()) buffer.dispose();
  }
}
