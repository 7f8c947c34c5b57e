import type { HostArray } from "@bn/core";
import type { BatchNormScaleRecord } from "./record.ts";

/** The bits of the significand, and the number of remaining bits of x^ below which a warning is given. */
const BITS = { float32: 24, float64: 53 } as const;
const TOO_FEW = 4;

/** The numbers of a layer that are probably wrong, each described in words. */
export function suspicions(layer: BatchNormScaleRecord): string[] {
  const { statistics, gamma, beta, eps, movingAverageFraction: momentum, dtype } = layer;
  const { mean, variance } = statistics;
  const found: string[] = [];
  const say = (values: HostArray, bad: (value: number, c: number) => boolean, text: (many: string) => string) => {
    const first = values.findIndex(bad as (value: number) => boolean);
    if (first < 0) return;
    let count = 0;
    for (const [c, value] of values.entries()) if (bad(value, c)) count++;
    found.push(text(`${count} of ${values.length} channels, the first ${first}: ${values[first]}`));
  };
  for (const [name, values] of [
    ["scale", gamma],
    ["B", beta ?? new Float32Array()],
    ["mean", mean],
    ["var", variance],
  ] as const) {
    say(
      values,
      (value) => !Number.isFinite(value),
      (many) => `${name} is not finite (${many})`,
    );
  }
  say(
    variance,
    (value) => value < 0,
    (many) => `var is negative (${many}): the output is NaN where var + epsilon is negative`,
  );
  say(
    variance,
    (value) => value === 0,
    (many) => `var is zero (${many}): the channel was constant, or its statistics were never computed`,
  );
  if (eps === 0) found.push("epsilon is 0, so a constant channel gives NaN");
  if (!(momentum >= 0 && momentum <= 1)) found.push(`momentum is ${momentum}, expected a number from 0 to 1`);
  const limit = 2 ** (BITS[dtype] - 1 - TOO_FEW);
  const ratio = (c: number) => Math.abs(mean[c] as number) / Math.sqrt((variance[c] as number) + eps);
  say(
    mean,
    (_, c) => ratio(c) > limit,
    (many) =>
      `|mean| / std is beyond ${limit} (mean of ${many}): ${dtype} keeps fewer than ${TOO_FEW} bits of x - mean`,
  );
  return found;
}
