import type { Dtype, Geometry } from "@bn/core";

/** The position of an element: row, channel, place in the row, and index. */
interface Place {
  readonly o: number;
  readonly c: number;
  readonly s: number;
  readonly i: number;
}

/** What a mistake may depend on in addition to the place. */
export interface Circumstances extends Geometry {
  /** The number of elements of the tensor. */
  readonly n: number;
  readonly dtype: Dtype;
  readonly inPlace: boolean;
  /** The number of elements in the result's buffer after the last one of the tensor. */
  readonly spare: number;
  /** The previous call of this kernel, if there was one. */
  readonly before: (Geometry & { readonly n: number; readonly dtype: Dtype }) | null;
}

/** A mistake that affects operands with one value per element. */
export interface PlaceFault {
  readonly bug: string;
  /** The dimension and the smallest size that show the mistake. */
  readonly from: readonly [dimension: "outer" | "channels" | "inner" | "up-to", above: number];
  where(place: Place, call: Circumstances): boolean;
}

const last = (place: Place, { n }: Circumstances) => place.i === n - 1;
const lastOfRow = ({ s }: Place, { inner }: Circumstances) => s === inner - 1;

const at = (bug: string, dimension: PlaceFault["from"][0], above: number, where: PlaceFault["where"]): PlaceFault => ({
  bug,
  from: [dimension, above],
  where,
});

/** Sizes at which a mistake begins, in each dimension and in the whole tensor: boundaries, and sizes between them. */
const BEYOND: readonly PlaceFault[] = [
  [100, 255, 256, 1023, 5000, 2 ** 15, 2 ** 16, 2 ** 17].map((size) =>
    at(`rows beyond ${size}`, "outer", size, ({ o }) => o >= size),
  ),
  [63, 127, 128, 300, 511, 2 ** 12, 2 ** 15, 2 ** 16, 2 ** 17].map((size) =>
    at(`channels beyond ${size}`, "channels", size, ({ c }) => c >= size),
  ),
  [49, 1024, 4096, 10_000, 2 ** 15, 2 ** 16, 2 ** 17, 2 ** 18].map((size) =>
    at(`elements beyond ${size} of a row`, "inner", size, ({ s }) => s >= size),
  ),
  [300, 2000, 2 ** 15, 65_535, 2 ** 17, 2 ** 18].map((size) =>
    at(`elements beyond ${size}`, size < 2 ** 15 ? "up-to" : "inner", size, ({ i }) => i >= size),
  ),
  [2 ** 15, 2 ** 16, 2 ** 17, 2 ** 18].map((size) =>
    at(`the last element of more than ${size}`, "inner", size, (place, call) => call.n > size && last(place, call)),
  ),
].flat();

/** Mistakes at the remainder of a size, or at the end of a tile. */
const REMAINDERS: readonly PlaceFault[] = [
  at("the last row where outer % 3 is 2", "outer", 1, ({ o }, { outer }) => outer % 3 === 2 && o === outer - 1),
  at(
    "the last of a row where inner % 17 is 16",
    "inner",
    15,
    (place, call) => call.inner % 17 === 16 && lastOfRow(place, call),
  ),
  at(
    "the last channel where channels % 5 is 4 and above 50",
    "channels",
    50,
    ({ c }, { channels }) => channels > 50 && channels % 5 === 4 && c === channels - 1,
  ),
  at(
    "the last odd element of a row",
    "inner",
    8,
    (place, call) => call.inner % 2 === 1 && call.inner > 8 && lastOfRow(place, call),
  ),
  at(
    "the last of a row of 8n + 3",
    "inner",
    10,
    (place, call) => call.inner % 8 === 3 && call.inner > 8 && lastOfRow(place, call),
  ),
  at(
    "the last element of 4n + 1, above 64",
    "up-to",
    64,
    (place, call) => call.n % 4 === 1 && call.n > 64 && last(place, call),
  ),
  at(
    "the last row of an odd number beyond 32",
    "outer",
    32,
    ({ o }, { outer }) => outer > 32 && outer % 2 === 1 && o === outer - 1,
  ),
  at("residue 63 mod 64 of rows beyond 200", "inner", 200, ({ s }, { inner }) => inner > 200 && s % 64 === 63),
  at("residue 17 mod 64 of rows beyond 500", "inner", 500, ({ s }, { inner }) => inner > 500 && s % 64 === 17),
  at("residue 999 mod 1,000 beyond 10,000", "up-to", 0, ({ i }) => i > 10_000 && i % 1000 === 999),
  ...[256, 1024, 4096].map((tile) =>
    at(
      `the last tile of ${tile}, where it is not full`,
      "up-to",
      tile,
      ({ i }, { n }) => n > tile && i >= n - (n % tile),
    ),
  ),
  ...[16, 128].map((tile) =>
    at(
      `the last tile of ${tile} rows, where it is not full`,
      "outer",
      tile,
      ({ o }, { outer }) => outer > tile && o >= outer - (outer % tile),
    ),
  ),
  at(
    "the last tile of 32 channels, where it is one channel",
    "channels",
    32,
    ({ c }, { channels }) => channels > 32 && channels % 32 === 1 && c === channels - 1,
  ),
];

/** Mistakes of one place, of two dimensions together, of one size. */
const PLACES: readonly PlaceFault[] = [
  at("row 256 alone", "outer", 256, ({ o }) => o === 256),
  at("row times channels beyond 1,023", "outer", 256, ({ o, c }, { channels }) => o * channels + c > 1023),
  at(
    "the last of more than 128 channels",
    "channels",
    128,
    ({ c }, { channels }) => channels > 128 && c === channels - 1,
  ),
  at(
    "the last element of the last of more than 128 channels",
    "channels",
    128,
    (place, call) => call.channels > 128 && last(place, call),
  ),
  at("channel 64 of channels-last", "channels", 64, ({ c }, { inner }) => inner === 1 && c === 64),
  at("the first of every row but the first", "inner", 16, ({ o, s }, { inner }) => inner > 16 && o > 0 && s === 0),
  at("the first of three rows", "outer", 2, ({ o }, { outer }) => outer === 3 && o === 0),
  at("the second of two rows", "outer", 1, ({ o }, { outer }) => outer === 2 && o === 1),
  at("rows of 49", "up-to", 0, ({ s }, { inner }) => inner === 49 && s === 48),
  at("rows beyond 40 in channels beyond 40", "outer", 40, ({ o, c }) => o > 40 && c > 40),
  at("channels beyond 40 in rows beyond 300", "inner", 300, ({ c, s }) => c > 40 && s > 300),
  at("rows beyond 40, elements beyond 300", "inner", 300, ({ o, s }) => o > 40 && s > 300),
  at("the middle of more than 5,000", "up-to", 0, ({ i }, { n }) => n > 5000 && i === n >> 1),
  at("every 4,096th row", "outer", 4095, ({ o }) => o % 4096 === 4095),
];

/** Mistakes that show in some calls only. */
const SOMETIMES: readonly PlaceFault[] = [
  at("the second row, in float64", "outer", 1, ({ o }, { dtype }) => dtype === "float64" && o === 1),
  at("elements beyond 2,000, in float32", "up-to", 2000, ({ i }, { dtype }) => dtype === "float32" && i > 2000),
  at("behind the first row, in place", "outer", 1, ({ o }, { inPlace }) => inPlace && o > 0),
  at("elements beyond 300, in place", "up-to", 300, ({ i }, { inPlace }) => inPlace && i > 300),
  at(
    "channel 64 of more, in place",
    "channels",
    64,
    ({ c }, { inPlace, channels }) => inPlace && channels > 64 && c === 64,
  ),
  at("elements beyond 3,000, apart", "up-to", 3000, ({ i }, { inPlace }) => !inPlace && i > 3000),
  at("the last element, in a longer buffer", "up-to", 0, (place, call) => call.spare > 0 && last(place, call)),
  at(
    "the last of more than 1,000, in a longer buffer",
    "up-to",
    1000,
    (place, call) => call.spare > 0 && call.n > 1000 && last(place, call),
  ),
  at(
    "the last of more than 1,000, in a buffer of its length",
    "up-to",
    1000,
    (place, call) => call.spare === 0 && call.n > 1000 && last(place, call),
  ),
  at(
    "the last element, after a larger tensor",
    "up-to",
    0,
    (place, call) => (call.before?.n ?? 0) > call.n && last(place, call),
  ),
  at(
    "the last element, after a smaller tensor",
    "up-to",
    0,
    (place, call) => (call.before?.n ?? call.n) < call.n && last(place, call),
  ),
  at(
    "channel 0, after another number of channels",
    "up-to",
    0,
    ({ c }, { before, channels }) => c === 0 && before !== null && before.channels !== channels,
  ),
  at(
    "the last row, after as many channels in fewer rows",
    "up-to",
    0,
    ({ o }, { before, channels, outer }) =>
      before !== null && before.channels === channels && before.outer < outer && o === outer - 1,
  ),
  at(
    "the last element, after another dtype",
    "up-to",
    0,
    (place, call) => call.before !== null && call.before.dtype !== call.dtype && last(place, call),
  ),
  at(
    "the last element, after the same shape",
    "up-to",
    0,
    (place, call) =>
      call.before !== null &&
      (["outer", "channels", "inner"] as const).every((key) => call.before?.[key] === call[key]) &&
      last(place, call),
  ),
];

export const PLACE_FAULTS: readonly PlaceFault[] = [...BEYOND, ...REMAINDERS, ...PLACES, ...SOMETIMES];

/** A mistake that affects one operand with one value per channel. */
export interface ChannelFault {
  readonly bug: string;
  readonly operands: readonly string[];
  change(value: number, c: number, dtype: Dtype): number;
}

const { abs, fround, max, min } = Math;
const STATS = ["mean", "variance"];
const AFFINE = ["gamma", "beta"];
const SUMS = ["sums.dy", "sums.dyXhat"];

export const CHANNEL_FAULTS: readonly ChannelFault[] = [
  { bug: "0 taken for 1", operands: ["gamma"], change: (v) => v || 1 },
  { bug: "0 taken for 1 in float64", operands: ["gamma"], change: (v, _, t) => (t === "float64" ? v || 1 : v) },
  { bug: "-0 taken for -1", operands: ["gamma"], change: (v) => (Object.is(v, -0) ? -1 : v) },
  { bug: "0 taken for 1, -0 not", operands: ["gamma"], change: (v) => (Object.is(v, 0) ? 1 : v) },
  { bug: "the sign lost", operands: [...AFFINE, "mean", ...SUMS], change: abs },
  { bug: "below 1e-4 taken for 0", operands: ["gamma"], change: (v) => (abs(v) < 1e-4 ? 0 : v) },
  { bug: "below 1e-3 taken for 0", operands: ["beta", "mean"], change: (v) => (abs(v) < 1e-3 ? 0 : v) },
  { bug: "kept within 1,000", operands: ["gamma"], change: (v) => max(-1000, min(v, 1000)) },
  { bug: "kept below 1e6", operands: ["beta", "sums.dy", "variance"], change: (v) => min(v, 1e6) },
  { bug: "kept above -1e6", operands: ["beta", "sums.dy"], change: (v) => max(v, -1e6) },
  { bug: "kept within 2^24", operands: ["beta", "mean"], change: (v) => max(-(2 ** 24), min(v, 2 ** 24)) },
  { bug: "rounded to float32", operands: [...AFFINE, "mean", "variance"], change: fround },
  { bug: "of channel c & 127", operands: [...AFFINE, ...STATS], change: (v, c) => (c > 127 ? 1.5 * v + 0.1 : v) },
  { bug: "forgotten beyond channel 255", operands: ["beta", "mean"], change: (v, c) => (c > 255 ? 0 : v) },
  { bug: "wrong in channel 2^15 and beyond", operands: AFFINE, change: (v, c) => (c >= 2 ** 15 ? v + 1 : v) },
  { bug: "below 1e-12 kept at 1e-12", operands: ["variance"], change: (v) => (v >= 0 && v < 1e-12 ? 1e-12 : v) },
  { bug: "above 1e4 a thousandth more", operands: ["variance"], change: (v) => (v > 1e4 ? 1.001 * v : v) },
  { bug: "of small gradients forgotten", operands: SUMS, change: (v) => (abs(v) < 1e-6 ? 0 : v) },
];
