import type { Dtype, Geometry, HostArray } from "@bn/core";
import type { Comparison, Needs } from "../../case.ts";
import { addBound, type Precision } from "../../truth/bounds.ts";
import type { WideStats } from "../../truth/lines.ts";
import { compareChannels } from "../../truth/maps.ts";
import { addPairs, low } from "../../truth/pairs.ts";
import { type Wide, wide, wideOf } from "../../truth/wide.ts";
import type { Bench } from "./bench.ts";
import type { CallData } from "./data.ts";
import { sizeOf } from "./sizes.ts";

/** One call of a kernel, with everything that the covering array chooses for it. */
export interface Call {
  readonly bench: Bench;
  readonly p: Precision;
  readonly g: Geometry;
  readonly data: CallData;
  /** One of the kernel's `options`. */
  readonly option: string;
  /** Whether y is x, or dx is dy. */
  readonly inPlace: boolean;
  readonly eps: number;
  /** The divisor of gradient sums, which is not always outer * inner. */
  readonly m: number;
}

/** One kernel of the contract for the covering array: it calls the kernel, reads its results and compares them. */
export interface CoveredKernel {
  readonly name: string;
  readonly clause: string;
  readonly needs?: Needs;
  /** The ways to call the kernel, with operands present or absent. */
  readonly options: readonly string[];
  /** The kernel also works in place. */
  readonly mayAlias?: true;
  /** What the kernel works on, unless it is a tensor: one value per channel, or a length. */
  readonly over?: "channels" | "length";
  /** A second call must have as many channels as the first, because the channels of a layer never change. */
  readonly fixedChannels?: true;
  /** Kinds of data for which the bounds, which are of first order in u, do not hold. */
  without?(dtype: Dtype, eps: number): readonly string[];
  run(call: Call): Promise<Comparison[]>;
}

/** Given statistics, which are numbers of the dtype without errors, and the operands that hold them. */
export function givenStats({ bench, data }: Call) {
  const host = { mean: data.mean(), variance: data.variance() };
  const stats: WideStats = { mean: wideOf(host.mean), variance: wideOf(host.variance), errors: null };
  const given = { mean: bench.input("mean", host.mean), variance: bench.input("variance", host.variance) };
  return { stats, given };
}

/** The operand `from` of a map, and the result `to`, which is the same buffer in place. */
export function mapped({ bench, g, inPlace }: Call, from: string, to: string, values: HostArray) {
  const input = inPlace ? bench.inOut(from, values) : bench.input(from, values);
  const output = inPlace ? input : bench.output(to, sizeOf(g));
  return { input, output, result: () => bench.result(inPlace ? from : to) };
}

/** Creates the operands and the values for "plain", "gamma" or "gamma-beta". */
export function affineFor({ bench, data }: Call, mode: string) {
  if (mode === "plain") return { buffers: null, values: null };
  const [gamma, beta] = [data.gamma(), mode === "gamma-beta" ? data.beta() : null];
  const buffers = { gamma: bench.input("gamma", gamma), beta: beta && bench.input("beta", beta) };
  return { buffers, values: { gamma, beta } };
}

export const AFFINE = ["plain", "gamma", "gamma-beta"] as const;

/** A sum per channel, with its largest errors. */
export interface SumTruth {
  readonly sum: Wide;
  readonly error: Float64Array;
}

/** Compares a sum that was added to `prior`. The bound covers its own error and the rounding of the addition. */
export function compareAdded(
  p: Precision,
  name: string,
  got: HostArray,
  prior: HostArray,
  { sum, error }: SumTruth,
): Comparison {
  const { length } = prior;
  const [total, bound] = [wide(length), new Float64Array(length)];
  for (let c = 0; c < length; c++) {
    const hi = sum.hi[c] as number;
    const before = prior[c] as number;
    total.hi[c] = addPairs(hi, sum.lo[c] as number, before, 0);
    total.lo[c] = low[0] as number;
    bound[c] = (error[c] as number) + addBound(p, hi, before);
  }
  return compareChannels(name, got, total, bound, p.dtype);
}
