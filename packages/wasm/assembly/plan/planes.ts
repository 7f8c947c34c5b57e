/** Planes: which channels an item of work reduces, and whether reductions and maps take turns on blocks of channels. */
import { isShared, job, threads } from "../job";
import { bytes, CHUNK, count, elements, gcd, ITEMS, PART, parts, sliceOf, table } from "../shape";

/** Up to so many channels of planes are few. */
const FEW: u32 = 64;
/**
 * The rows of an item have this many bytes, and threads take so many items each. With 8 instead of 4 for each of two
 * threads, moments and gradSums of [8, 512, 49], float64, took 1.1 and 1.2 times as long, because each row of an item is
 * a new stream.
 */
const RUN_BYTES: u32 = 4096;
const TILES_PER_THREAD: u32 = 4;
/** A channel of more bytes than this is no longer in the cache for a second pass. */
const CACHED: u32 = 1048576;
/**
 * The number of elements of the channels that are reduced and then mapped together, and the least number of such
 * blocks, so that threads can share them.
 */
const BLOCK: u32 = 65536;
const BLOCKS: u32 = 8;
/**
 * The bytes of rows that lie one after the other. With shorter runs, the cost of touching many pages exceeds the gain.
 */
const LONG_RUN: u32 = 12288;
/** The bytes of one way of a second-level cache, and the number of ways that one operand may take. */
const WAY: u32 = 65536;
const WAYS: u32 = 8;

/**
 * The bytes from one channel's entry to the next: two vectors of float64 sums, and their rounding errors if the dtype is
 * float64. If channels are few, threads take one or two each, so entries are two lines apart: side by side in one line,
 * they made two threads as slow as one at [1, 16, 25088], float32 (moments 96 us, apart 47).
 */
export function entryBytes<T>(): u32 {
  return job.channels > FEW ? sizeof<T>() * 8 : 128;
}

/**
 * Plans a reduction of planes. Its items are tiles of `span` channels, whose rows lie one after the other in every
 * outer row; work that is not shared is one tile. If that gives too few items, each channel is cut into `parts` of
 * `size` elements.
 */
export function planPlanes<T>(): void {
  const m = count();
  const tiles = max<u32>(min(min(ITEMS, job.channels), (job.channels * job.inner * sizeof<T>()) / RUN_BYTES), 1);
  let cuts: u32 = 1;
  while (tiles * cuts * 2 <= ITEMS && elements() / (tiles * cuts * 2) >= PART) cuts *= 2;
  job.size = max<u32>((parts(m, cuts) + 15) & ~15, 1);
  job.parts = max<u32>(parts(m, job.size), 1);
  const channels = min(job.channels, CHUNK);
  job.span = isShared(2 * bytes<T>()) ? parts(channels, min(tiles, TILES_PER_THREAD * threads())) : channels;
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
 * in cache. Otherwise the map is a pass of its own, in order of memory. That is the case if channels are large, if rows
 * are short, or if rows share few of the cache's sets, as in 64 x 32 channels of 32 x 32. Measured against two separate
 * passes, float32, ns per element: [1, 64, 3136] 0.30 fused, 0.33 separate; [64, 32, 64] 0.56 fused in blocks of short
 * rows, 0.42 separate.
 */
export function planBlocks<T>(operands: u32): bool {
  const m = count();
  if (m > CACHED / (sizeof<T>() * operands)) return false;
  planPlanes<T>();
  const span = max<u32>(min(BLOCK / m, job.channels / BLOCKS), 1);
  const row = span * job.inner * sizeof<T>();
  const apart = gcd(job.channels * job.inner * sizeof<T>(), WAY);
  const covered = (WAY / apart) * min(row, apart);
  if (row < LONG_RUN || span * m * sizeof<T>() > WAYS * covered) return false;
  job.span = span;
  return true;
}
