/**
 * Channels whose sampled value s is as far from the mean as isFar in moments.wgsl allows, so that the rounding of a sum
 * decides. A pass that sums in another order would decide differently for some of them, and would use sums that were
 * never computed.
 */
import type { WebGpuBackend } from "../src/index.ts";

const U = 2 ** -24;
const CHANNELS = 64;

/**
 * Returns one line per variance outside of N-2. The tensor is channels-last, [30016, 64]; 1/28 of the values are about
 * 1, the others 0.
 */
export async function thresholdFaults(gpu: WebGpuBackend): Promise<string[]> {
  const outer = 30_016;
  const x = new Float32Array(outer * CHANNELS);
  const high = outer / 28;
  let state = 1;
  for (let c = 0; c < CHANNELS; c++) {
    for (let n = 0; n < high; n++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      x[(n * 28 + 27) * CHANNELS + c] = 1 + ((state >>> 8) * U - 0.5) * 3e-4;
    }
  }
  const g = { outer, channels: CHANNELS, inner: 1 };
  const alloc = (length: number) => gpu.alloc("float32", length);
  const [source, mean, variance] = [alloc(x.length), alloc(CHANNELS), alloc(CHANNELS)];
  gpu.write(source, x);
  gpu.reserve?.("float32", g);
  gpu.kernels.moments(source, g, { mean, variance });
  const found = await gpu.read(variance, CHANNELS);
  for (const buffer of [source, mean, variance]) buffer.dispose();

  const faults: string[] = [];
  for (let c = 0; c < CHANNELS; c++) {
    const values = Array.from({ length: outer }, (_, n) => x[n * CHANNELS + c] as number);
    const mu = values.reduce((a, b) => a + b) / outer;
    const truth = values.reduce((a, b) => a + (b - mu) ** 2, 0) / outer;
    const s = (40 + Math.log2(outer)) * U;
    const d = U * mu + (2 * s + 3 * U) * 1.01;
    const bound = (s + 4 * U) * (Math.sqrt(truth) + 2 * d) ** 2;
    if (!(Math.abs((found[c] as number) - truth) <= bound))
      faults.push(`variance[${c}] is ${found[c]}, truth ${truth}`);
  }
  return faults;
}
