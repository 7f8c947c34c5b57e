import type { Geometry, HostArray } from "@bn/core";
import type { GoldenBatchNorm } from "./types.ts";

export type Round = (value: number) => number;

interface Batch {
  readonly x: HostArray;
  readonly top: HostArray;
  readonly g: Geometry;
  /** The blobs before the step. */
  readonly blobs: readonly HostArray[];
}

/**
 * Recomputes, bit for bit, the top of a forward with batch statistics. This is possible if the earlier sums had no
 * effect, because they were 0 or multiplied by fraction 0: blobs[0] is then the mean that Caffe subtracted, and
 * blobs[1] / correction is its variance within some units in the last place. For each channel the candidate that
 * explains most elements is chosen; elements that it does not explain are wrong (G-6). Returns null if this is possible
 * for no channel.
 */
export function trainedTop(
  { effective }: GoldenBatchNorm,
  { x, top, g, blobs }: Batch,
  after: readonly HostArray[],
  round: Round,
): Float64Array | null {
  const m = g.outer * g.inner;
  const correction = m > 1 ? round(m / (m - 1)) : 1;
  const eps = round(effective.eps);
  const [ulp, smallest] = round === Math.fround ? [2 ** -23, 2 ** -100] : [2 ** -52, 2 ** -960];
  const expected = Float64Array.from(top);
  let checked = false;
  for (let c = 0; c < g.channels; c++) {
    const forgotten = effective.fraction === 0 && [blobs[0]?.[c], blobs[1]?.[c]].every(Number.isFinite);
    const sumsWereZero = blobs[0]?.[c] === 0 && blobs[1]?.[c] === 0;
    const stored = after[1]?.[c] as number;
    // A stored variance that has overflowed or underflowed does not determine the variance.
    const tells = Number.isFinite(stored) && (stored === 0 || stored >= smallest || eps > smallest);
    if (!(forgotten || sumsWereZero) || !tells) continue;
    checked = true;
    const mean = after[0]?.[c] as number;
    const variance = stored / correction;
    const stds = new Set(STEPS.map((k) => round(Math.sqrt(round(round(variance * (1 + k * ulp)) + eps)))));
    let best: { std: number; wrong: number } | null = null;
    for (const std of stds) {
      let wrong = 0;
      visit(g, c, (i) => {
        if (!same(round(round((x[i] as number) - mean) / std), top[i] as number)) wrong++;
      });
      if (best === null || wrong < best.wrong) best = { std, wrong };
      if (wrong === 0) break;
    }
    const { std } = best as { std: number };
    visit(g, c, (i) => {
      expected[i] = round(round((x[i] as number) - mean) / std);
    });
  }
  return checked ? expected : null;
}

/** The errors, in units in the last place, that a rounded quotient of a rounded product may have, nearest first. */
const STEPS = [0, 1, -1, 2, -2, 3, -3];

function same(a: number, b: number): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}

function visit({ outer, channels, inner }: Geometry, c: number, body: (i: number) => void): void {
  for (let o = 0; o < outer; o++) {
    const start = (o * channels + c) * inner;
    for (let i = start; i < start + inner; i++) body(i);
  }
}
