import type { Dtype, Geometry, HostArray } from "@bn/core";
import type { Comparison, Needs } from "../../case.ts";
import { addBound, type Precision } from "../../truth/bounds.ts";
import type { WideStats } from "../../truth/lines.ts";
import { compareChannels } from "../../truth/maps.ts";
import { addPairs, low } from "../../truth/pairs.ts";
import { type Wide, wide, wideOf } from "../../truth/wide.ts";
import type { Bench } from "./bench.ts";
import type { CallData } from "./data.ts";

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
  readonly mayAlias: boolean;
  /** What the kernel works on: a tensor, one value per channel, or a length. */
  readonly over: "tensor" | "channels" | "length";
  /** A second call must have as many channels as the first, because the channels of a layer never change. */
  readonly fixedChannels?: true;
  /** Kinds of data for which the bounds, which are of first order in u, do not hold. */
  without?(dtype: Dtype, eps: number): readonly string[];
  run(call: Call): Promise<Comparison[]>;
}

export function elements({ outer, channels, inner }: Geometry): number {
  return outer * channels * inner;
}

export interface GivenStats extends WideStats {
  readonly host: { readonly mean: HostArray; readonly variance: HostArray };
}

/** Given statistics, which are numbers of the dtype without errors. */
export function givenStats(data: CallData): GivenStats {
  const host = { mean: data.mean(), variance: data.variance() };
  return { mean: wideOf(host.mean), variance: wideOf(host.variance), errors: null, host };
}

/** Creates the operands and the values for "plain", "gamma" or "gamma-beta". */
export function affineFor({ bench, data }: Call, mode: string) {
  if (mode === "plain") return { buffers: null, values: null };
  const [gamma, beta] = [data.gamma(), mode === "gamma-beta" ? data.beta() : null];
  const buffers = { gamma: bench.input("gamma", gamma), beta: beta && bench.input("beta", beta) };
  return { buffers, values: { gamma, beta } };
}

export const AFFINE = ["plain", "gamma", "gamma-beta"] as const;

/** Compares a sum that was added to `prior`. The bound covers its own error and the rounding of the addition. */
export async function addedTo(
  bench: Bench,
  p: Precision,
  name: string,
  prior: HostArray,
  sum: Wide,
  error: Float64Array,
): Promise<Comparison> {
  return compareAdded(p, name, await bench.result(name), prior, sum, error);
}

/** The same for values that were already read. */
export function compareAdded(
  p: Precision,
  name: string,
  got: HostArray,
  prior: HostArray,
  sum: Wide,
  error: Float64Array,
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
