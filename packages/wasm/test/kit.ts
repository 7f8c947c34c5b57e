import type { Backend, Dtype, Geometry, HostArray } from "@bn/core";
import type { WasmBuffer } from "../src/index.ts";

/** xorshift32: the same numbers everywhere. */
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
  return (dtype === "float32" ? Float32Array : Float64Array).from({ length }, (_, i) => value(i));
}

/** Everything that a kernel can be called with, filled, for one geometry. */
export function operandsOf(backend: Backend<WasmBuffer>, dtype: Dtype, g: Geometry, seed: number) {
  const random = randomOf(seed);
  const size = g.outer * g.channels * g.inner;
  const buffers: WasmBuffer[] = [];
  const make = (length: number, value: (i: number) => number) => {
    const buffer = backend.alloc(dtype, length);
    backend.write(buffer, arrayOf(dtype, length, value));
    buffers.push(buffer);
    return buffer;
  };
  const channels = () => make(g.channels, () => random() + 0.5);
  return {
    x: make(size, () => random() * 4 - 1),
    dy: make(size, () => random() - 0.5),
    y: make(size, () => 0),
    stats: { mean: channels(), variance: channels() },
    sums: { dy: channels(), dyXhat: channels() },
    affine: { gamma: channels(), beta: channels() },
    grad: { gamma: channels(), beta: channels() },
    average: { running: { mean: channels(), variance: channels(), factor: make(1, () => 1) }, fraction: 0.9, correction: 1.25 },
    /** All buffers, in the order above. */
    buffers,
    dispose() {
      for (const buffer of buffers) buffer.dispose();
    },
  };
}
