/** How a tensor [outer][channels][inner] is walked: as planes (long rows of one channel), or as columns (short ones). */
import { job, scratchAt } from "./job";

/** Rows shorter than this are walked as columns: channels-last, fully connected layers, 3x3 maps. */
const SHORT_ROW: u32 = 16;
/** Columns of a tile: its tables stay in the first-level cache's neighbourhood. */
export const MAX_COLUMNS: u32 = 4096;
/** Fold short rows until one holds so many columns. */
const MIN_COLUMNS: u32 = 128;
/** Elements of one part of a large channel, and of one item of a map. */
export const PART: u32 = 65536;
export const SLICE: u32 = 16384;
/** A channel of more bytes than this would not be in the cache for a second pass: it is split into parts. */
const CACHED: u32 = 1048576;
/** Elements of the channels that are reduced and then mapped together, and at least so many blocks, for threads to share. */
const BLOCK: u32 = 65536;
const BLOCKS: u32 = 8;
/** Bytes of the rows that lie one behind the other: fewer meet too many pages for what they save. */
const LONG_RUN: u32 = 12288;
/** Bytes that lie in one way of a second-level cache, and the ways that one operand may take. */
const WAY: u32 = 65536;
const WAYS: u32 = 8;
/** Partial results that scratch holds, each of ENTRY bytes: two sums, what they lost, two runs, a shift. */
export const MAX_ENTRIES: u32 = 16384;
export const ENTRY: u32 = 56;
/** Bytes of one of the TABLES tables of coefficients, and of all scratch. */
const TABLE: u32 = MAX_COLUMNS * 8;
const TABLES: u32 = 5;
export const SCRATCH: u32 = MAX_ENTRIES * ENTRY + TABLES * TABLE;

export function table(index: u32): usize {
  return scratchAt() + MAX_ENTRIES * ENTRY + index * TABLE;
}

/** Stores the shape; true for planes. One channel is one plane. */
export function usePlanes(outer: u32, channels: u32, inner: u32): bool {
  if (channels === 1 && inner !== 1) {
    inner *= outer;
    outer = 1;
  } else if (channels === 1) {
    inner = outer;
    outer = 1;
  }
  job.outer = outer;
  job.channels = channels;
  job.inner = inner;
  return inner >= SHORT_ROW;
}

/** Values a channel. */
export function count(): u32 {
  return job.outer * job.inner;
}

/** Elements of the tensor: fewer than 2^31. */
export function elements(): u32 {
  return job.outer * job.channels * job.inner;
}

/** Bytes of the tensor. Wide, because those of two or three tensors are added up. */
export function bytes<T>(): u64 {
  return u64(elements()) * sizeof<T>();
}

/** The channels of the tile. */
export function tileChannels(): u32 {
  return job.columns / job.fold / job.inner;
}

/** Address of array `index` of a block's partial results, each of `columns` elements of 8 bytes. */
export function entries(part: u32, index: u32): usize {
  return scratchAt() + part * job.columns * ENTRY + index * job.columns * 8;
}

/** Wherever in it something lies, it is near. */
export function isCached<T>(): bool {
  return bytes<T>() <= CACHED;
}

export function parts(elements: u32, span: u32): u32 {
  return (elements + span - 1) / span;
}

/** Plans a reduction of planes that reads `operands` tensors: true where a channel is done whole, in cache. */
export function planChannels<T>(operands: u32): bool {
  const m = count();
  if (m <= CACHED / (sizeof<T>() * operands)) {
    job.span = max<u32>(SLICE / max<u32>(m, 1), 1); // channels an item
    return true;
  }
  const most = max<u32>(MAX_ENTRIES / job.channels, 1);
  const span = max<u32>(PART, ((m + most - 1) / most + 15) & ~15);
  job.span = span;
  job.parts = parts(m, span);
  return false;
}

/**
 * Plans a reduction and the map after it: true where they take turns, block by block of whole channels, which stay in cache in
 * between. Else the map is a pass of its own, in order of memory: where channels are large; and, in a tensor that is larger than
 * the cache, where rows are short, or lie so that they meet in few of the cache's sets, as in 64 x 32 channels of 32 x 32.
 */
export function planBlocks<T>(operands: u32): bool {
  if (!planChannels<T>(operands)) return false;
  if (isCached<T>()) return true;
  const span = max<u32>(min(BLOCK / count(), job.channels / BLOCKS), 1);
  const row = span * job.inner * sizeof<T>();
  const apart = gcd(job.channels * job.inner * sizeof<T>(), WAY);
  const covered = (WAY / apart) * min(row, apart);
  if (row < LONG_RUN || span * count() * sizeof<T>() > WAYS * covered) return false;
  job.span = span;
  return true;
}

/** First column of the tile after `column`, or of the first one. Tiles hold whole channels. */
export function planColumns<T>(column: u32): void {
  const width = job.channels * job.inner;
  const lanes: u32 = 64 / sizeof<T>();
  job.firstColumn = column;
  job.stride = width * sizeof<T>();
  job.fold = 1;
  job.rest = 0;
  job.rows = job.outer;
  if (width > MAX_COLUMNS) {
    // a multiple of inner and of a cache line
    const unit = job.inner * lanes;
    job.columns = min(width - column, max(MAX_COLUMNS / unit, 1) * unit);
  } else {
    let fold = lanes / gcd(width, lanes);
    if (fold * width > MAX_COLUMNS) fold = 1;
    if (fold * width < MIN_COLUMNS) fold *= (MIN_COLUMNS + fold * width - 1) / (fold * width);
    job.fold = fold;
    job.columns = fold * width;
    job.stride *= fold;
    job.rows = job.outer / fold;
    job.rest = (job.outer - job.rows * fold) * width;
  }
  const most = max<u32>(MAX_ENTRIES / job.columns, 1);
  const least = max<u32>(PART / 2 / job.columns, 16);
  job.span = max((least + 15) & ~15, (job.rows + most - 1) / most);
  job.parts = max<u32>(parts(job.rows, job.span), 1);
}

function gcd(a: u32, b: u32): u32 {
  while (b !== 0) {
    const r = a % b;
    a = b;
    b = r;
  }
  return a;
}
