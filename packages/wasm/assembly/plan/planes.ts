/** Planes: which channels an item of work reduces, and whether reductions and maps take turns on blocks of channels. */
import { isShared, job, threads } from "../job";
import {
  bytes,
  CHUNK,
  count,
  elements,
  ITEMS,
  isFar,
  isLarge,
  isVeryLarge,
  PART,
  PARTIAL,
  parts,
  sliceOf,
  table,
} from "../shape";

/** Up to so many channels of planes are few. */
const FEW: u32 = 64;
/**
 * The rows of an item have this many bytes, and threads take so many items each. With 8 instead of 4 for each of two
 * threads, moments and gradSums of [8, 512, 49], float64, took 1.1 and 1.2 times as long, because each row of an item is
 * a new stream. With 2 instead of 4 of a larger tensor, [32, 256, 196]: float32 98 and 104 us for gradSums, 88.6 and 90.3
 * for moments, float64 277 and 302, 183 and 183.
 */
const RUN_BYTES: u32 = 4096;
const TILES_PER_THREAD: u32 = 4;
const TILES_PER_THREAD_OF_LARGE: u32 = 2;
/**
 * If the operands are very large, a channel's outer rows are cut into so many parts. Then each thread reads one stretch of
 * memory, the same that it reads or writes in a map. Measured on two threads, float32, us, as tiles of channels
 * and as parts: gradSums [128, 512, 49] 345 and 225, [64, 128, 784] 806 and 582, [32, 64, 3136] 683 and 617; moments 205
 * and 201, 367 and 357, 355 and 365; forward 441 and 408, 1,009 and 830, 940 and 848; backward 1,124 and 541, 1,990 and
 * 1,525, 1,718 and 1,525; smaller, float64, [32, 256, 196] gradSums 218 and 245, backward 724 and 529. On one thread 0.98
 * to 1.03.
 */
const PARTS_OF_ROWS: u32 = 4;
/**
 * The least number of outer rows that are cut, so that each part has four, one for each stream. Measured on one and two
 * threads, float32, as a multiple of tiles of channels: moments [8, 256, 3136] 1.13 and 1.09, gradSums 0.99 and 1.01.
 */
const LEAST_ROWS: u32 = 16;
/** A channel of more bytes than this is no longer in the cache for a second pass. */
const CACHED: u32 = 1048576;
/** Tensors of fewer bytes stay in a core's own cache as a whole. If threads share them, one round is faster than two. */
const SMALL: u64 = 3145728;
/**
 * The number of elements of the channels that are reduced and then mapped together, and the least number of such
 * blocks, so that threads can share them.
 */
const BLOCK: u32 = 65536;
const BLOCKS: u32 = 8;
/**
 * The least number of bytes of a block that lie one behind the other, which are read as one run. A run begins with the
 * latency of the cache, or with that of the memory, from which it must be longer: FAR_RUN, divided by the operands and by
 * the threads, of which two are enough to use up the memory. The more of them share it, the more a second pass costs.
 */
const LONG_RUN: u32 = 12288;
const FAR_RUN: u32 = 196608;

/**
 * The bytes from one channel's entry to the next: two vectors of float64 sums, and their rounding errors if the dtype is
 * float64. If channels are few, threads take one or two each, so entries are two lines apart: side by side in one line,
 * they made two threads as slow as one at [1, 16, 25088], float32 (moments 96 us, apart 47).
 */
export function entryBytes<T>(): u32 {
  return job.channels > FEW ? sizeof<T>() * 8 : 128;
}

/**
 * Plans a reduction of planes of so many operands. Its items are tiles of `span` channels, whose rows lie one after the
 * other in every outer row; work that is not shared is one tile. If that gives too few items, each channel is cut into
 * `parts` of `size` elements, and if tensors are large, into `parts` of outer rows, where `size` is 0.
 */
export function planPlanes<T>(operands: u32): void {
  const m = count();
  const tiles = max<u32>(min(min(ITEMS, job.channels), (job.channels * job.inner * sizeof<T>()) / RUN_BYTES), 1);
  let cuts: u32 = 1;
  while (tiles * cuts * 2 <= ITEMS && elements() / (tiles * cuts * 2) >= PART) cuts *= 2;
  job.size = max<u32>((parts(m, cuts) + 15) & ~15, 1);
  job.parts = max<u32>(parts(m, job.size), 1);
  let wanted = threads() * (isLarge<T>(2) ? TILES_PER_THREAD_OF_LARGE : TILES_PER_THREAD);
  if (isCutByRows<T>(operands)) {
    job.size = 0;
    job.parts = PARTS_OF_ROWS;
    wanted = parts(wanted, PARTS_OF_ROWS);
  }
  const channels = min(job.channels, CHUNK);
  job.span = isShared(2 * bytes<T>()) ? parts(channels, min(tiles, wanted)) : channels;
}

function isCutByRows<T>(operands: u32): bool {
  const entries = min(job.channels, CHUNK) * entryBytes<T>();
  return isVeryLarge<T>(operands) && job.outer >= LEAST_ROWS && PARTS_OF_ROWS * entries <= PARTIAL;
}

/** The first of a channel's elements that belongs to a part; of the part after the last one, their number. */
export function startOfPart(part: u32): u32 {
  if (job.size === 0) return ((part * job.outer) / job.parts) * job.inner;
  return min(part * job.size, count());
}

/** The end of the channels that currently have an entry in the tables; they begin at `job.first`. */
export function lastOfChunk(): u32 {
  return min(job.first + CHUNK, job.channels);
}

/** The number of tiles of the chunk. */
export function items(): u32 {
  return parts(lastOfChunk() - job.first, job.span);
}

/**
 * The number of elements of the chunk that lie one behind the other: all of them, or, if other chunks lie between, those
 * of an outer row.
 */
function widthOfChunk(): u32 {
  return job.channels <= CHUNK ? elements() : (lastOfChunk() - job.first) * job.inner;
}

function elementsOfChunk(): u32 {
  return job.outer * (lastOfChunk() - job.first) * job.inner;
}

/** The number of slices that a map of the chunk is cut into. */
export function slicesOfChunk(): u32 {
  const n = elementsOfChunk();
  return parts(n, sliceOf(n));
}

/**
 * Calls `map` for each run of elements of a slice that lie one behind the other: with their offset, their number, how
 * many are left of the first one's row, and the address of its channel's first coefficient.
 */
export function eachRun<T>(slice: u32, map: (offset: usize, n: u32, rest: u32, at: usize) => void): void {
  const inner = job.inner;
  const channels = lastOfChunk() - job.first;
  const width = widthOfChunk();
  const all = elementsOfChunk();
  const size = sliceOf(all);
  let left = min(size, all - slice * size);
  let o = (slice * size) / width;
  for (let e = slice * size - o * width; left > 0; e = 0, o++) {
    const n = min(left, width - e);
    const row = e / inner;
    const offset = ((o * job.channels + job.first) * inner + e) * sizeof<T>();
    map(offset, n, inner - (e - row * inner), table(0) + (row % channels) * sizeof<T>());
    left -= n;
  }
}

/**
 * Plans a reduction and the map after it. Returns true if they take turns, block by block of whole channels that stay
 * in cache. Otherwise the map is a pass of its own, in order of memory: if channels are large or rows are short, if a core
 * keeps all tensors in its own cache, or if the second pass finds them in the last cache, which is faster in order. One
 * thread reads one operand from memory as fast twice in order as once in blocks. Measured, float32, as a multiple of the
 * time of two passes:
 *
 *   forward    0.8 MB  [8, 512, 49]      1.06, on two threads 0.92
 *                3 MB  [4, 64, 3136]     0.95
 *               13 MB  [16, 64, 3136]    1.62
 *               26 MB  [2, 1024, 3136]   1.16, on two threads 0.85
 *               34 MB  [1, 512, 16384]         on two threads 0.82, or 1.19 if each core has a last cache of its own
 *   backward   1.6 MB  [1, 128, 3136]    0.93
 *              4.8 MB  [8, 48, 3136]     1.47
 *               26 MB  [2, 1024, 3136]   0.99, on two threads 0.77
 *               51 MB  [1, 196, 65536]   0.88, on two threads 0.77
 */
export function planBlocks<T>(operands: u32): bool {
  const m = count();
  const tensors = operands + 1;
  const total: u64 = tensors * bytes<T>();
  const far = isFar<T>(tensors);
  if (m > CACHED / (sizeof<T>() * operands) || (total < SMALL && !isShared(total))) return false;
  if (far ? operands * threads() === 1 : isLarge<T>(tensors)) return false;
  planPlanes<T>(operands);
  const span = max<u32>(min(BLOCK / m, job.channels / BLOCKS), 1);
  const least: u32 = far ? FAR_RUN / (operands * min<u32>(threads(), 2)) : LONG_RUN;
  if (span * job.inner * sizeof<T>() < least) return false;
  job.span = span;
  return true;
}
