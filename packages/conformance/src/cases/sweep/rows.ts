import type { Geometry } from "@bn/core";
import { geometryText } from "../kernels/geometries.ts";
import { SURROUNDINGS, type Surroundings } from "./bench.ts";
import type { CoveredKernel } from "./calls.ts";
import { coveringArray, mix } from "./covering.ts";
import { KINDS } from "./kinds.ts";
import { between, type Extent, everySize, sideOf, singles, sizeOf } from "./sizes.ts";

/** The call after the first one: none, a second one on the same buffers with other data, or a smaller one. */
type Then = "once" | "again" | "smaller";
const THEN: readonly Then[] = ["once", "again", "smaller"];
const EPS = [1e-5, 0.5, 0].map(Math.fround);
const DIVISORS: readonly ((m: number) => number)[] = [(m) => m, (m) => 3 * m, (m) => m * 2 ** 32 + 1];

/** Rows of the covering array that cost less than this may have any levels. */
const CHEAP = 4096;

/** One row of the covering array: a geometry, and all other arguments of a call. */
export interface Row {
  readonly g: Geometry;
  /** The kind of channel 0. */
  readonly start: number;
  readonly option: string;
  readonly inPlace: boolean;
  readonly surroundings: Surroundings;
  readonly next: Then;
  readonly eps: number;
  readonly m: number;
  /** Use normal values in every channel. */
  readonly normal: boolean;
}

/** The name and the rows of one case. */
export interface Group {
  readonly name: string;
  readonly rows: readonly Row[];
}

/**
 * The rows of one kernel, grouped into cases: a covering array of strength 2 over sizes and everything else, every size
 * up to `upTo`, one dimension beyond the cap, and geometries that the seed draws. Rows of the array are grouped by their
 * longest dimension.
 */
export function rowsFor(kernel: CoveredKernel, extent: Extent, seed: string): Group[] {
  const { upTo, cap } = extent;
  const groups = new Map<string, Row[]>();
  const put = (name: string, row: Row) => {
    const rows = groups.get(name);
    if (rows) rows.push(row);
    else groups.set(name, [row]);
  };
  const covering = pairs(kernel, extent);
  for (const row of covering) put(longest(row.g), row);
  if (!kernel.over) for (const row of largePairs(kernel, extent, covering)) put(longest(row.g), row);
  const all = everySize(upTo, cap).map((g) => flattened(kernel, g));
  for (const [i, g] of unique(all).entries()) put(`sizes-${1 + Math.floor(i / 20)}`, mixed(kernel, g, i));
  const long = singles(extent).map((g) => flattened(kernel, g));
  for (const [i, g] of unique(long).entries()) put(longest(g), mixed(kernel, g, i + 11));
  for (const [i, g] of between(`${kernel.name}|${seed}`, extent.between, cap).entries()) {
    put(`drawn-${1 + Math.floor(i / 12)}`, mixed(kernel, flattened(kernel, g), i + 5));
  }
  return [...groups].map(([name, rows]) => ({ name, rows: rows.sort((a, b) => sizeOf(a.g) - sizeOf(b.g)) }));
}

function pairs(kernel: CoveredKernel, { sizes, kindsInPairs, cap, dense }: Extent): Row[] {
  const one = [1];
  const of = (used: boolean) => (used ? sizes : one);
  const [tensor, channels] = [!kernel.over, kernel.over !== "length"];
  const dims = [of(tensor), of(channels), of(tensor || !channels)] as const;
  const factors = [
    ...["outer", "channels", "inner"].map((name, f) => ({ name, levels: dims[f]?.length ?? 0 })),
    { name: "kind", levels: kindsInPairs ? KINDS.length : 1 },
    { name: "option", levels: kernel.options.length },
    { name: "alias", levels: kernel.mayAlias ? 2 : 1 },
    { name: "surroundings", levels: SURROUNDINGS.length },
    { name: "then", levels: THEN.length },
    { name: "eps", levels: EPS.length },
    { name: "divisor", levels: DIVISORS.length },
  ];
  const size = (row: readonly number[]) => sizeAt(row, dims, 0) * sizeAt(row, dims, 1) * sizeAt(row, dims, 2);
  const rows = coveringArray(
    factors,
    (row) => kindMatters(row, dims) && size(row) <= cap && worthwhile(size(row), row, dims, dense),
    (row, pair) => size(row) <= Math.max(CHEAP, size(pair)),
  );
  return rows.map((levels, i) => {
    const [outer, channels, inner] = dims.map((all, f) => all[levels[f] as number] as number) as [
      number,
      number,
      number,
    ];
    const kind = kindsInPairs ? (levels[3] as number) : mix(i, 3) % KINDS.length;
    return rowOf(kernel, { outer, channels, inner }, [kind, ...levels.slice(4)]);
  });
}

/**
 * Pairs of sizes that the covering array leaves out, with 1 as the third size. The time of such a call depends only on
 * its sizes.
 */
function largePairs(kernel: CoveredKernel, { sizes, pairs: upTo }: Extent, covering: readonly Row[]): Row[] {
  // One number per pair: sizes are below 2^20, and f says which two dimensions they are of.
  const keyOf = (a: number, b: number, f: number) => 3 * (a * 2 ** 20 + b) + f;
  const met = new Set<number>();
  for (const { g } of covering) {
    met
      .add(keyOf(g.outer, g.channels, 0))
      .add(keyOf(g.outer, g.inner, 1))
      .add(keyOf(g.channels, g.inner, 2));
  }
  const rows: Row[] = [];
  for (const a of sizes) {
    for (const b of sizes) {
      if (a * b > upTo) continue;
      const geometries = [
        { outer: a, channels: b, inner: 1 },
        { outer: a, channels: 1, inner: b },
        { outer: 1, channels: a, inner: b },
      ];
      for (const [f, g] of geometries.entries()) {
        if (met.has(keyOf(a, b, f))) continue;
        const row = mixed(kernel, g, rows.length + 7);
        rows.push({ ...row, surroundings: "exact", next: "once", normal: true });
      }
    }
  }
  return rows;
}

type Dims = readonly (readonly number[])[];

/** The size of one dimension; 1 while it is open. */
function sizeAt(row: readonly number[], dims: Dims, f: number): number {
  return dims[f]?.[row[f] as number] ?? 1;
}

/**
 * Whether the first kind matters. With many channels all kinds occur, whichever is first. Of three adjacent sizes
 * beyond 2^15, each gets a third of the kinds.
 */
function kindMatters(row: readonly number[], dims: Dims): boolean {
  const kind = row[3] as number;
  if (kind < 0) return true;
  if (sizeAt(row, dims, 1) > 2 * KINDS.length) return kind === 0;
  for (let f = 0; f < dims.length; f++) {
    const size = sizeAt(row, dims, f);
    if (size >= 2 ** 15 && kind % 3 !== (sideOf(size) ?? 0) + 1) return false;
  }
  return true;
}

/**
 * Whether a pair of sizes is worth its time. Up to `dense` elements, all pairs are; up to four times as many, pairs on
 * the same side of their boundaries; beyond that, pairs above their boundaries. Each boundary is thus still combined
 * with each other one. Sizes without a boundary go with all.
 */
function worthwhile(size: number, row: readonly number[], dims: Dims, dense: number): boolean {
  if (size <= dense) return true;
  let [first, count]: [number | null, number] = [null, 0];
  for (let f = 0; f < dims.length; f++) {
    const side = sideOf(sizeAt(row, dims, f));
    if (side === null) continue;
    first ??= side;
    count++;
    if (side !== first) return false;
  }
  return count <= 1 || size <= 4 * dense || first === 1;
}

/** Chooses levels pseudo-randomly. */
function mixed(kernel: CoveredKernel, g: Geometry, i: number): Row {
  const levels = [1, 2, 3, 4, 5, 6].map((factor) => mix(i, factor));
  return rowOf(kernel, g, [mix(i, 0) % KINDS.length, ...levels]);
}

function rowOf(kernel: CoveredKernel, g: Geometry, [kind = 0, ...levels]: readonly number[]): Row {
  const of = <T>(all: readonly T[], level = 0) => all[level % all.length] as T;
  return {
    g,
    start: kind,
    option: of(kernel.options, levels[0]),
    inPlace: kernel.mayAlias === true && (levels[1] ?? 0) % 2 === 1,
    surroundings: of(SURROUNDINGS, levels[2]),
    next: of(THEN, levels[3]),
    eps: of(EPS, levels[4]),
    m: of(DIVISORS, levels[5])(g.outer * g.inner),
    normal: false,
  };
}

/** The geometry reduced to the dimensions that the kernel has. */
function flattened({ over }: CoveredKernel, g: Geometry): Geometry {
  if (!over) return g;
  const n = Math.max(g.outer, g.channels, g.inner);
  return over === "channels" ? { outer: 1, channels: n, inner: 1 } : { outer: 1, channels: 1, inner: sizeOf(g) };
}

function unique(all: readonly Geometry[]): Geometry[] {
  return [...new Map(all.map((g) => [geometryText(g), g])).values()];
}

function longest({ outer, channels, inner }: Geometry): string {
  const most = Math.max(outer, channels, inner);
  if (most <= 5) return "up-to-5";
  return `${outer === most ? "outer" : channels === most ? "channels" : "inner"}-${most}`;
}
