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
  const say = (what: string, values: HostArray, bad: (value: number, c: number) => boolean, why: string, of = "") => {
    const all = Array.from(values.keys()).filter((c) => bad(values[c] as number, c));
    const [first] = all;
    if (first === undefined) return;
    const many = `${of}${all.length} of ${values.length} channels, the first ${first}: ${values[first]}`;
    found.push(`${what} (${many})${why && `: ${why}`}`);
  };
  const notFinite = (value: number) => !Number.isFinite(value);
  const operands = { scale: gamma, B: beta ?? new Float32Array(), mean, var: variance };
  for (const [name, values] of Object.entries(operands)) say(`${name} is not finite`, values, notFinite, "");
  const negative = "the output is NaN where var + epsilon is negative";
  say("var is negative", variance, (value) => value < 0, negative);
  const zero = "the channel was constant, or its statistics were never computed";
  say("var is zero", variance, (value) => value === 0, zero);
  if (eps === 0) found.push("epsilon is 0, so a constant channel gives NaN");
  if (!(momentum >= 0 && momentum <= 1)) found.push(`momentum is ${momentum}, expected a number from 0 to 1`);
  const limit = 2 ** (BITS[dtype] - 1 - TOO_FEW);
  const ratio = (c: number) => Math.abs(mean[c] as number) / Math.sqrt((variance[c] as number) + eps);
  const few = `${dtype} keeps fewer than ${TOO_FEW} bits of x - mean`;
  say(`|mean| / std is beyond ${limit}`, mean, (_, c) => ratio(c) > limit, few, "mean of ");
  return found;
}
