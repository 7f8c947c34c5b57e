import type { Backend, Dtype, Geometry, HostArray } from "@bn/core";
import type { WasmBuffer } from "../src/index.ts";

/** The xorshift32 generator, which gives the same numbers everywhere. */
export function randomOf(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

export function arrayOf(dtype: Dtype, length: number, value: (i: number) => number): HostArray {
  const array = dtype === "float32" ? new Float32Array(length) : new Float64Array(length);
  for (let i = 0; i < length; i++) array[i] = value(i);
  return array;
}

export type Operands = ReturnType<typeof operandsOf>;

/** All operands of all kernels for one geometry. `fill` gives each buffer the same contents again. */
export function operandsOf(backend: Backend<WasmBuffer>, dtype: Dtype, g: Geometry) {
  const size = g.outer * g.channels * g.inner;
  const buffers: WasmBuffer[] = [];
  const make = (length: number) => {
    const buffer = backend.alloc(dtype, length);
    buffers.push(buffer);
    return buffer;
  };
  const ofChannels = () => make(g.channels);
  return {
    x: make(size),
    dy: make(size),
    y: make(size),
    stats: { mean: ofChannels(), variance: ofChannels() },
    sums: { dy: ofChannels(), dyXhat: ofChannels() },
    affine: { gamma: ofChannels(), beta: ofChannels() },
    grad: { gamma: ofChannels(), beta: ofChannels() },
    average: {
      running: { mean: ofChannels(), variance: ofChannels(), factor: make(1) },
      fraction: 0.9,
      correction: 1.25,
    },
    /** All buffers, in the order of the type above. */
    buffers,
    /** `values` must hold `size` numbers; buffer k starts at value k. */
    fill(values: HostArray) {
      for (const [k, buffer] of buffers.entries()) {
        buffer.view.set(values.subarray(0, Math.min(k, buffer.length)));
        buffer.view.set(values.subarray(k, buffer.length), Math.min(k, buffer.length));
      }
    },
  };
}
