/**
 * How a tensor [outer][channels][inner] is walked: as planes (rows of one channel; plan/planes.ts), or as columns (rows
 * too short for that; plan/columns.ts). Choices that affect sums (parts, bands) depend only on the shape. Choices that
 * affect only speed (spans) may depend on the number of threads.
 */
import { job, scratchAt, threads } from "./job";

/**
 * Rows of at least LONG_ROW values are walked as planes, and rows shorter than a vector of float32 as columns. Between
 * them, planes cost most per row and columns most per column, so the walk depends on how many rows a channel has for each
 * byte of a row: planes up to the number given here. Measured, float32, one thread, us as columns and as planes: moments
 * [8, 512, 9] 11.9 and 9.1, [24, 256, 9] 15.9 and 11.2, [64, 64, 9] 6.3 and 6.9, [128, 64, 16] 17.4 and 16.5, [256, 64, 16]
 * 33.0 and 33.2, [100, 64, 25] 23.4 and 22.4, [164, 64, 25] 35 and 40; gradSums [128, 64, 16] 23 and 17, [100, 64, 25] 30
 * and 26, [256, 64, 16] 48 and 36; normalize [8, 512, 9] 7.3 and 8.2, [16, 256, 16] 8.6 and 8.2, [64, 64, 16] 6.0 and 8.1,
 * [32, 100, 28] 9.3 and 8.3, [100, 64, 25] 15.7 and 17.3; float64 moments [128, 64, 9] 19.8 and 22.4,
 * [300, 64, 19] 88 and 97, gradSums 136 and 117.
 */
const LONG_ROW: u32 = 32;
const SHORT_ROW: u32 = 4;
const ROWS_OF_SUMS: f32 = 0.625;
const ROWS_OF_SUMS_OF_VECTORS: f32 = 2;
const ROWS_OF_MAPS: f32 = 0.125;
const ROWS_OF_MAPS_OF_BLOCKS: f32 = 0.5;
/** The bytes of a row that is at least a block. */
const BLOCK: u32 = 64;
/** Sums of two operands walk rows of so many bytes as planes in any case, and whole vectors from a block on. */
const BYTES_OF_SUMS: u32 = 112;
/**
 * Tensors of more bytes than this, with rows of at least BYTES_FROM_MEMORY, are walked as planes, in order of memory, and with
 * rows of at least a block those of more than LARGE bytes. Measured as above: moments [744, 728, 12] 1,577 and 855,
 * [1092, 192, 31] 1,786 and 1,127, [1411, 512, 9] 2,090 and 1,199, [4174, 171, 9] 1,193 and 1,250, [4232, 384, 4] 1,087 and
 * 1,144, of 17 MB [2500, 192, 9] 559 and 814; normalize [744, 728, 12] 1,835 and 1,300, [2000, 64, 25] 587 and 415, float64
 * [300, 192, 20] 582 and 215; gradSums 376 and 335.
 */
const FROM_MEMORY: u64 = 20971520;
const BYTES_FROM_MEMORY: u32 = 32;
/** The number of channels of planes, or of columns of a tile, that have an entry in the tables. */
export const CHUNK: u32 = 4096;
/**
 * The least number of elements per item of a map of planes, and the most items. More bytes per item mean fewer new
 * streams for the threads that walk from the back, and fewer lines that one core prefetches and another one writes.
 * Measured on two threads whose cores have caches of their own, float32, us, with items of 64 KiB and with 64 items:
 * normalize of [32, 64, 3136] 426 and 382, gradNormalize 772 and 707, copy 272 and 248.
 */
const SLICE: u32 = 16384;
const SLICES: u32 = 64;
/** The number of items per reduction, and the least number of elements per item. */
export const ITEMS: u32 = 16;
export const PART: u32 = 16384;
/**
 * Tensors of more bytes exceed a core's own cache by far. Of more than VERY_LARGE, the order in which they are read counts
 * most. Tensors of more than FAR bytes come from memory.
 */
const LARGE: u64 = 8388608;
const VERY_LARGE: u64 = 16777216;
const FAR: u64 = 33554432;

/** The scratch memory: entries of reductions, then tables. Each table has one element per channel or column. */
export const PARTIAL: u32 = 524288;
/** Bytes from one table to the next. */
export const TABLE: u32 = CHUNK * 8;
/**
 * Tables 0 to 3 hold coefficients. The following tables hold coefficients before they are spread (for gradients also
 * the totals), two totals of float64, for moments the probes and for gradients 1 / sqrt(variance + eps) as float64,
 * flags, and the list of blocks.
 */
export const OWN: u32 = 4;
export const TOTALS: u32 = 5;
export const PROBES: u32 = 7;
export const INVERSES: u32 = 7;
export const FLAGS: u32 = 8;
export const BLOCK_LIST: u32 = 9;
export const SCRATCH: u32 = PARTIAL + 10 * TABLE;

export function partial(): usize {
  return scratchAt();
}

export function table(index: u32): usize {
  return scratchAt() + PARTIAL + index * TABLE;
}

/** Whether sums of so many operands walk the tensor as planes. */
export function areSumsOfPlanes<T>(operands: u32): bool {
  const row = job.inner * sizeof<T>();
  const areVectors = row % 16 === 0;
  if (operands === 2 && row >= (areVectors ? BLOCK : BYTES_OF_SUMS)) return arePlanes<T>(Infinity);
  return arePlanes<T>(areVectors ? ROWS_OF_SUMS_OF_VECTORS : ROWS_OF_SUMS);
}

/** Whether maps walk the tensor as planes. If they do, sums do as well. */
export function areMapsOfPlanes<T>(): bool {
  return arePlanes<T>(job.inner * sizeof<T>() < BLOCK ? ROWS_OF_MAPS : ROWS_OF_MAPS_OF_BLOCKS);
}

/** A single channel is one plane. */
function arePlanes<T>(rowsPerByte: f32): bool {
  if (job.channels === 1) {
    job.inner *= job.outer;
    job.outer = 1;
  }
  const row = job.inner * sizeof<T>();
  if (job.inner >= LONG_ROW) return true;
  if (job.inner < SHORT_ROW) return false;
  const large = row >= BLOCK ? LARGE : FROM_MEMORY;
  return f32(job.outer) <= rowsPerByte * f32(row) || (row >= BYTES_FROM_MEMORY && bytes<T>() > large);
}

/** The number of values per channel. */
export function count(): u32 {
  return job.outer * job.inner;
}

/** The number of elements of the tensor, which is less than 2^31. */
export function elements(): u32 {
  return job.outer * job.channels * job.inner;
}

/** The bytes of the tensor. The type is wide because the bytes of two or three tensors are added up. */
export function bytes<T>(): u64 {
  return u64(elements()) * sizeof<T>();
}

export function parts(elements: u32, span: u32): u32 {
  return (elements + span - 1) / span;
}

/**
 * The number of elements per item of a map of n elements in order of memory. Each thread has as many items as the others.
 * Measured with 13 items and with 12, float32, us, on two threads: normalize [3, 100, 700] 8.4 and 7.8.
 */
export function sliceOf(n: u32): u32 {
  let items: u32 = max<u32>(min(n / SLICE, SLICES), 1);
  if (items > threads()) items = parts(items, threads()) * threads();
  return max<u32>((parts(n, items) + 15) & ~15, 16);
}

/** Whether `operands` tensors of this shape are too large for a core's own cache. */
export function isLarge<T>(operands: u32): bool {
  return operands * bytes<T>() > LARGE;
}

/** Whether sums of `operands` tensors of this shape have to read long stretches. */
export function isVeryLarge<T>(operands: u32): bool {
  return operands * bytes<T>() > VERY_LARGE;
}

/** Whether `operands` tensors of this shape are so large that they come from memory. */
export function isFar<T>(operands: u32): bool {
  return operands * bytes<T>() > FAR;
}

/** The largest odd number that is not above n; 0 for 0. */
export function odd(n: u32): u32 {
  return n === 0 ? 0 : (n - 1) | 1;
}

export function gcd(a: u32, b: u32): u32 {
  while (b !== 0) {
    const r = a % b;
    a = b;
    b = r;
  }
  return a;
}
