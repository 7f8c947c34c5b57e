/** Coefficients of channels, spread over the columns of a tile: rows of memory then meet rows of a table. */
import { job } from "./job";
import { table, tileChannels } from "./shape";
import { pair, storePair, zero } from "./vector";

/** Where coefficients are computed before they are spread. */
const OWN: u32 = 4;

/** table[column] = values[its channel], or `otherwise` where there are no values (0). */
export function spread<T>(index: u32, values: usize, otherwise: T): void {
  const into = table(index);
  const channels = tileChannels();
  const inner = job.inner;
  const width = channels * inner;
  if (values) values += (job.firstColumn / inner) * sizeof<T>();
  if (inner === 1 && values) {
    memory.copy(into, values, width * sizeof<T>());
  } else {
    for (let channel: u32 = 0, c: u32 = 0; channel < channels; channel++) {
      const value = values ? load<T>(values + channel * sizeof<T>()) : otherwise;
      for (const end = c + inner; c < end; c++) store<T>(into + c * sizeof<T>(), value);
    }
  }
  for (let fold: u32 = 1; fold < job.fold; fold++) {
    memory.copy(into + fold * width * sizeof<T>(), into, width * sizeof<T>());
  }
}

/** Spreads what was computed into `own()`: it starts at the tile's first channel. */
function spreadOwn<T>(index: u32): void {
  spread<T>(index, table(OWN) - (job.firstColumn / job.inner) * sizeof<T>(), 0);
}

/** 1 / sqrt(variance + eps) of two channels, 1 without variance. */
export function inversePair<T>(channel: u32): v128 {
  const one = f64x2.splat(1);
  if (!job.variance) return one;
  const v = f64x2.add(pair<T>(job.variance + channel * sizeof<T>()), f64x2.splat(job.eps));
  return f64x2.div(one, f64x2.sqrt(v));
}

/** The powers of two at or below two r; 1 where r is 0, infinite or NaN. */
export function powerPair(r: v128): v128 {
  const usable = v128.and(f64x2.gt(r, zero()), f64x2.lt(r, f64x2.splat(Infinity)));
  return v128.bitselect(v128.and(r, i64x2.splat(0x7ff0000000000000)), f64x2.splat(1), usable);
}

// Of `n` channels from `first`. Pairs may read and write one past an odd last channel: blocks and tables have room.

/** gamma / sqrt(variance + eps), rounded once. */
export function scales<T>(into: usize, first: u32, n: u32): void {
  for (let i: u32 = 0; i < n; i += 2) {
    let s = inversePair<T>(first + i);
    if (job.gamma) s = f64x2.mul(s, pair<T>(job.gamma + (first + i) * sizeof<T>()));
    storePair<T>(into + i * sizeof<T>(), s);
  }
}

/** The power of two next to 1 / sqrt(variance + eps). */
function powers<T>(into: usize, first: u32, n: u32): void {
  for (let i: u32 = 0; i < n; i += 2) storePair<T>(into + i * sizeof<T>(), powerPair(inversePair<T>(first + i)));
}

/** sum dy / m. */
export function shares<T>(into: usize, first: u32, n: u32): void {
  const m = f64x2.splat(job.m);
  for (let i: u32 = 0; i < n; i += 2) {
    storePair<T>(into + i * sizeof<T>(), f64x2.div(pair<T>(job.sumDy + (first + i) * sizeof<T>()), m));
  }
}

/** r * (sum dy x^ / m). */
export function slopes<T>(into: usize, first: u32, n: u32): void {
  const m = f64x2.splat(job.m);
  for (let i: u32 = 0; i < n; i += 2) {
    const b = f64x2.div(pair<T>(job.sumDyXhat + (first + i) * sizeof<T>()), m);
    storePair<T>(into + i * sizeof<T>(), f64x2.mul(inversePair<T>(first + i), b));
  }
}

export function spreadScales<T>(index: u32): void {
  scales<T>(table(OWN), job.firstColumn / job.inner, tileChannels());
  spreadOwn<T>(index);
}

export function spreadPowers<T>(index: u32): void {
  powers<T>(table(OWN), job.firstColumn / job.inner, tileChannels());
  spreadOwn<T>(index);
}

export function spreadShares<T>(index: u32): void {
  shares<T>(table(OWN), job.firstColumn / job.inner, tileChannels());
  spreadOwn<T>(index);
}

export function spreadSlopes<T>(index: u32): void {
  slopes<T>(table(OWN), job.firstColumn / job.inner, tileChannels());
  spreadOwn<T>(index);
}
