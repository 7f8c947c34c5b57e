/** How a mistake selects elements: by their index in one dimension of n, and a threshold or a tile. */
export interface Pick {
  readonly name: string;
  picks(i: number, n: number, size: number): boolean;
  /** The number of indices that a dimension must have for any to be selected. */
  readonly above: (size: number) => number;
}

export const PICKS: readonly Pick[] = [
  { name: "beyond", picks: (i, _, size) => i >= size, above: (size) => size },
  { name: "the last, beyond", picks: (i, n, size) => n > size && i === n - 1, above: (size) => size },
  { name: "the last tile of", picks: (i, n, size) => n > size && i >= n - (n % size), above: (size) => size },
  { name: "the last lane of", picks: (i, n, size) => n > size && i % size === size - 1, above: (size) => size },
];

/** What happens to a selected element. */
export const EFFECTS = ["missing", "the neighbour's", "stale"] as const;
export type Effect = (typeof EFFECTS)[number];

/** Numbers on boundaries and between them. */
export const THRESHOLDS = [
  1, 2, 3, 6, 8, 11, 16, 24, 32, 50, 64, 100, 128, 200, 255, 300, 512, 700, 1024, 2000, 4096, 9000, 65_535,
];
export const TILES = [2, 4, 8, 16, 32, 64, 128, 256, 1024];

/** When the mistake shows: always, or only in such calls. */
export const CONDITIONS = ["always", "float32", "float64", "in place", "apart"] as const;
export type Condition = (typeof CONDITIONS)[number];

/** A mistake that concerns values of one kind. */
export interface ValueFault {
  readonly name: string;
  readonly operands: readonly string[];
  change(value: number): number;
}

const clip = (to: number) => (value: number) => Math.sign(value) * Math.min(Math.abs(value), to);

export const VALUE_FAULTS: readonly ValueFault[] = [
  { name: "0 taken for absent", operands: ["gamma"], change: (v) => (Object.is(v, 0) ? 1 : v) },
  { name: "-0 taken for absent", operands: ["gamma"], change: (v) => (Object.is(v, -0) ? 1 : v) },
  { name: "the sign lost", operands: ["gamma", "mean", "sums.dy", "sums.dyXhat", "beta"], change: Math.abs },
  { name: "clipped at 1e6", operands: ["gamma", "beta"], change: clip(1e6) },
  { name: "clipped at 1e12", operands: ["gamma", "beta", "x", "dy"], change: clip(1e12) },
  { name: "huge taken for 0", operands: ["gamma", "beta"], change: (v) => (Math.abs(v) > 1e15 ? 0 : v) },
  { name: "tiny taken for 0", operands: ["gamma", "x"], change: (v) => (Math.abs(v) < 1e-9 ? 0 : v) },
  { name: "NaN taken for 0", operands: ["x", "dy"], change: (v) => (Number.isNaN(v) ? 0 : v) },
  { name: "infinity taken for the largest", operands: ["x"], change: clip(3e38) },
  {
    name: "large offsets rounded to 1/64",
    operands: ["x"],
    change: (v) => (Math.abs(v) > 500 ? Math.round(v * 64) / 64 : v),
  },
  { name: "negative taken for 0", operands: ["x", "dy", "beta", "mean"], change: (v) => Math.max(v, 0) },
  { name: "1 taken for 0", operands: ["gamma"], change: (v) => (v === 1 ? 0 : v) },
  { name: "large variance clipped", operands: ["variance"], change: clip(1e6) },
  { name: "small variance lifted", operands: ["variance"], change: (v) => Math.max(v, 0.7) },
  { name: "rounded to bfloat16", operands: ["x", "dy", "gamma", "beta", "mean", "variance"], change: bfloat16 },
];

function bfloat16(value: number): number {
  const scratch = new Float32Array([value]);
  const bits = new Uint32Array(scratch.buffer);
  bits[0] = (bits[0] as number) & 0xffff0000;
  return scratch[0] as number;
}
