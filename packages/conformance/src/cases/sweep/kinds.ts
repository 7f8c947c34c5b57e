import type { Dtype } from "@bn/core";
import type { Needs } from "../../case.ts";
import { type Random, random } from "../random.ts";

/**
 * The values of a channel: a mean and a spread, zeros of both signs, half of each, or one special value among normal
 * ones.
 */
type Pattern = "normal" | "zeros" | "half-zeros" | "nan" | "infinity";

/** The data of one channel. */
interface ChannelData {
  readonly mean: number;
  readonly std: number;
  readonly pattern: Pattern;
  readonly dyStd: number;
  readonly dyPattern: Pattern;
  readonly gamma: number;
  readonly beta: number;
}

/** One kind of channel: a row of the table below. */
export interface Kind {
  readonly name: string;
  readonly needs?: Needs;
  make(r: Random, dtype: Dtype): Partial<ChannelData>;
}

const power = (dtype: Dtype, float32: number, float64: number) => 2 ** (dtype === "float32" ? float32 : float64);
const sign = (r: Random) => (r.uniform() < 0.5 ? -1 : 1);
const near1 = (r: Random) => 0.5 + 1.5 * r.uniform();
const decades = (r: Random, from: number, to: number) => 10 ** (from + (to - from) * r.uniform());

/**
 * Channel c of a tensor has kind (start + c) mod 23, where `start` is a factor of the covering array. A tensor of many
 * channels contains all kinds in turn, and 23 has no factor in common with a vector, a tile or a workgroup.
 */
export const KINDS: readonly Kind[] = [
  { name: "normal", make: () => ({}) },
  { name: "offset-1e3", make: (r) => ({ mean: sign(r) * 1e3 * near1(r) }) },
  { name: "gamma-0", make: () => ({ gamma: 0 }) },
  { name: "constant", make: (r) => ({ mean: sign(r) * 3.7 * near1(r), std: 0 }) },
  { name: "beta-1e7", make: (r) => ({ beta: sign(r) * decades(r, 6.3, 9) }) },
  // Small gradients as well: their sums are small, and count.
  { name: "gamma-negative", make: (r) => ({ gamma: -near1(r), dyStd: 1e-9 * near1(r) }) },
  { name: "zeros", make: () => ({ pattern: "zeros", dyPattern: "zeros" }) },
  { name: "offset-1e6", make: (r) => ({ mean: sign(r) * 1e6 * near1(r) }) },
  { name: "gamma-minus-0", make: () => ({ gamma: -0 }) },
  { name: "half-zeros", make: () => ({ mean: 0, pattern: "half-zeros", dyPattern: "half-zeros" }) },
  { name: "gamma-huge", make: (r, t) => ({ gamma: sign(r) * power(t, 60, 300) * near1(r) }) },
  { name: "beta-0", make: (r) => ({ gamma: 1, beta: sign(r) * 0 }) },
  { name: "huge", make: (r, t) => ({ mean: 0, std: power(t, 45, 490) * near1(r) }) },
  { name: "dy-zeros", make: () => ({ dyPattern: "zeros" }) },
  { name: "nan", needs: { nonFinite: true }, make: () => ({ pattern: "nan" }) },
  { name: "beta-1e30", make: (r) => ({ beta: sign(r) * decades(r, 20, 30) }) },
  { name: "offset-huge", make: (r, t) => ({ mean: sign(r) * power(t, 70, 530), std: power(t, 55, 500) }) },
  { name: "gamma-tiny", make: (r, t) => ({ gamma: power(t, -60, -300) * near1(r) }) },
  { name: "dy-huge", make: (r, t) => ({ dyStd: power(t, 100, 900) * near1(r) }) },
  { name: "infinity", needs: { nonFinite: true }, make: () => ({ pattern: "infinity" }) },
  { name: "tiny", make: (r, t) => ({ mean: 0, std: power(t, -50, -300) * near1(r) }) },
  { name: "edge", make: (_, t) => ({ mean: power(t, 126, 1022), std: 0, dyStd: 2 ** -20, gamma: 0.5 }) },
  { name: "dy-nan", needs: { nonFinite: true }, make: () => ({ dyPattern: "nan" }) },
];

/**
 * The number of channels of a kind that differ from each other. It has no factor in common with the number of kinds.
 */
export const VARIANTS = 31;

/** The data of channels in columns, with `VARIANTS` entries per kind, so that 65,537 channels take little time. */
export type KindTables = ReturnType<typeof tablesOf>;

const ZEROS_BELOW: Readonly<Partial<Record<Pattern, number>>> = {
  zeros: Number.POSITIVE_INFINITY,
  "half-zeros": 0,
};
const POISON: Readonly<Partial<Record<Pattern, number>>> = {
  nan: Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
};
const tables = new Map<Dtype, KindTables>();

export function kindTables(dtype: Dtype): KindTables {
  const made = tables.get(dtype) ?? tablesOf(dtype);
  tables.set(dtype, made);
  return made;
}

function tablesOf(dtype: Dtype) {
  const all = KINDS.flatMap(({ name, make }) => {
    const r = random(`kind|${name}|${dtype}`);
    return Array.from({ length: VARIANTS }, (): ChannelData => ({ ...plain(r), ...make(r, dtype) }));
  });
  const column = (value: (d: ChannelData) => number) => Float64Array.from(all, value);
  return {
    mean: column((d) => d.mean),
    std: column((d) => d.std),
    /** Noise below this becomes a zero. */
    zeros: column((d) => ZEROS_BELOW[d.pattern] ?? Number.NEGATIVE_INFINITY),
    /** One special value of the channel, or 0. */
    poison: column((d) => POISON[d.pattern] ?? 0),
    dyStd: column((d) => d.dyStd),
    dyZeros: column((d) => ZEROS_BELOW[d.dyPattern] ?? Number.NEGATIVE_INFINITY),
    dyPoison: column((d) => POISON[d.dyPattern] ?? 0),
    variance: column((d) => (d.std === 0 ? 1 : d.std ** 2)),
    gamma: column((d) => d.gamma),
    beta: column((d) => d.beta),
    none: column(() => 0),
    one: column(() => 1),
  };
}

function plain(r: Random): ChannelData {
  return {
    mean: r.normal(),
    std: near1(r),
    pattern: "normal",
    dyStd: near1(r),
    dyPattern: "normal",
    gamma: near1(r) * (r.uniform() < 0.7 ? 1 : -1),
    beta: r.normal(),
  };
}
