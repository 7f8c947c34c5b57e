import type { Dtype, Geometry } from "@bn/core";
import { scaleBound, sumBound } from "../truth/bounds.ts";
import * as oracle from "../truth/oracle.ts";
import type { Arithmetic } from "./arithmetic.ts";
import { exact, type ReplayLayer, saturate, saturated, type Tracked, zeros } from "./tracked.ts";
import type { GoldenScale } from "./types.ts";

/** Scale: values by the oracle (S-1 to S-7, diffs accumulate); errors by N-1 and N-8, and those of its inputs (G-2). */
export function replayScale(
  { initialBlobs, numBottoms, effective }: GoldenScale,
  dtype: Dtype,
  arithmetic: Arithmetic,
): ReplayLayer {
  const p = arithmetic.precision;
  const blobs = initialBlobs.map(({ data }) => exact(data));
  const bias = effective.biasTerm ? (blobs[blobs.length - 1] as Tracked) : null;
  let blobDiffs = blobs.map(({ value }) => zeros(value.length));
  let g: Geometry = { outer: 0, channels: 0, inner: 0 };
  let x: Tracked = zeros(0);
  let gamma: Tracked = zeros(0);

  /** x or dy times gamma, + bias; errors e of the tensor add |gamma| e. */
  const scaled = (input: Tracked, beta: Tracked | null): Tracked => {
    const affine = { gamma: oracle.channelsOf(gamma.value), beta: beta && oracle.channelsOf(beta.value) };
    const value = saturated(dtype, oracle.scale(input.value, g, affine));
    const error = scaleBound(p, input.value, g, affine);
    oracle.each(g, (i, c) => {
      error[i] = (error[i] as number) + Math.abs(gamma.value[c] as number) * (input.error[i] as number);
    });
    return { value, error };
  };

  /** before + sum dy x, or sum dy without x; errors of dy and x add sum |x| e and sum |dy| e. */
  const accumulated = (before: Tracked, sums: oracle.Channels, dy: Tracked, by: Tracked | null): Tracked => {
    const own = sumBound(p, dy.value, by?.value ?? null, g, sums, before.value);
    const [size, given] = [new Float64Array(g.channels), new Float64Array(g.channels)];
    oracle.each(g, (i, c) => {
      const [a, b] = [Math.abs(dy.value[i] as number), Math.abs(by ? (by.value[i] as number) : 1)];
      size[c] = (size[c] as number) + a * b;
      given[c] = (given[c] as number) + (dy.error[i] as number) * b + a * (by ? (by.error[i] as number) : 0);
    });
    return {
      value: before.value.map((old, c) => saturate(dtype, old + (sums[c]?.hi as number))),
      error: own.map((bound, c) => {
        const inherited = (before.error[c] as number) + (given[c] as number);
        const added = arithmetic.accumulate(before.value[c] as number, g);
        return arithmetic.resum(bound, size[c] as number, g) + added + inherited;
      }),
    };
  };

  return {
    blobs,
    get blobDiffs() {
      return blobDiffs;
    },
    clearParamDiffs() {
      blobDiffs = blobs.map(({ value }) => zeros(value.length));
    },
    forward(bottom, geometry) {
      g = geometry;
      x = bottom[0] as Tracked;
      gamma = (numBottoms === 2 ? bottom[1] : blobs[0]) as Tracked;
      return scaled(x, bias);
    },
    backward(dy) {
      const sums = oracle.scaleSums(dy.value, x.value, g);
      const intoGamma = (before: Tracked) => accumulated(before, sums.gamma, dy, x);
      blobDiffs = blobDiffs.map((before, i) =>
        blobs[i] === bias ? accumulated(before, sums.beta, dy, null) : intoGamma(before),
      );
      const dx = scaled(dy, null);
      return numBottoms === 1 ? [dx] : [dx, intoGamma(zeros(gamma.value.length))];
    },
  };
}
