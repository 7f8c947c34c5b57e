import type { Backend, DeviceBuffer, Dtype, HostArray } from "@bn/core";
import { hostArray } from "./data.ts";

/**
 * The number of elements after the end of every buffer that no kernel may touch. Each buffer has different numbers
 * there.
 */
const PAD = 9;
const GUARD = 7777;

/** The buffers of one case on one backend. They are longer than needed, guarded, and disposed together. */
export interface Operands {
  readonly backend: Backend;
  readonly dtype: Dtype;
  /** A buffer that holds `values`. */
  input(values: ArrayLike<number>): DeviceBuffer;
  /** A buffer for a result. It contains `prior`, by default garbage. */
  output(length: number, prior?: ArrayLike<number>): DeviceBuffer;
  /** The contents of `buffer` after all work. Throws if anything after its end was touched. */
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
