/**
 * How a tensor [outer][channels][inner] is walked: as planes (rows of one channel), or as columns (rows too short for
 * that). Choices that affect sums (parts, bands) depend only on the shape. Choices that affect only speed (spans) may
 * depend on the number of threads.
 */
import { isShared, job, scratchAt, threads } from "./job";
import { firstBytes } from "./vector";

/**
 * Rows of at least LONG_ROW values are walked as planes, and rows shorter than a vector of float32 as columns. Between
 * them, planes cost most per row and columns most per column, so the walk depends on how many rows a channel has for each
 * of its columns. Sums change to columns above 2 rows, maps, whose columns cost less, above 1 / 2. Measured, float32,
 * one thread, us as planes and as columns: moments [2, 2048, 9] 63 and 181, [8, 512, 9] 28 and 47, [16, 256, 9] 22 and
 * 27, [32, 512, 9] 155 and 106, [64, 512, 25] 282 and 357, [164, 64, 25] 78 and 67, [256, 64, 16] 144 and 98; normalize
 * [2, 2048, 9] 20 and 34, [8, 512, 9] 16 and 13, [8, 512, 25] 24 and 34, [32, 128, 25] 22 and 19, [256, 64, 16] 122 and 56.
 */
const LONG_ROW: u32 = 32;
const SHORT_ROW: u32 = 4;
const ROWS_OF_SUMS: f32 = 2;
const ROWS_OF_MAPS: f32 = 0.5;
/** The number of channels of planes, or of columns of a tile, that have an entry in the tables. */
export const CHUNK: u32 = 4096;
/** Narrower rows are folded until blocks of columns do not overlap, or until the rows are this wide. */
const WIDE: u32 = 64;
/** The number of rows of columns that are summed in the dtype before their sums are widened. */
export const BAND: u32 = 28;
/**
 * The bytes of the rows that are summed together, block by block, so that they stay in the first-level cache. Tensors of
 * more than LARGE bytes come from memory, and each of their streams is read strictly in order. Measured, float64, ns per
 * element, 1, 2, 3, 4, 7 fours of rows: gradSums [4096, 64] 0.54, 0.53, 0.54, 0.61, 0.68; [2048, 128] 0.54, 0.55, 0.66,
 * 0.69, 0.83; [512, 1024] 0.59, 0.62, 0.72, 0.96, 1.25; moments [2048, 128] 0.39, 0.38, 0.37, 0.38, 0.42; [512, 1024]
 * 0.45, 0.46, 0.50, 0.55, 0.59.
 */
const GROUP_BYTES: u32 = 16384;
const LARGE: u64 = 8388608;
/**
 * Tensors of more bytes are summed as four streams. Measured against rows one after the other, float32, ns per element:
 * moments [25088, 256] 0.23 and 0.40; [100352, 64] 0.24 and 0.48; gradSums 0.54 and 0.88, 0.48 and 0.78; in the cache,
 * gradSums [4096, 64] 0.30 and 0.32, but float64 [64, 128] 0.73 and 0.70.
 */
const STREAMED: u64 = 131072;
/** Rows of more bytes need tables that take half of the first-level cache. */
const NARROW: u32 = 2048;
/**
 * If a row is one block, a map walks so many rows at once. Measured against six streams, float32, us: normalize [65536, 4]
 * 75 and 44, gradNormalize 86 and 65.
 */
const ROWS_OF_BLOCK: u32 = 128;
const MOST_FOLDED: u32 = 256;
/** Up to so many channels of planes are few. */
const FEW: u32 = 64;
/** The number of channels of columns that are finished together, an even number. */
const RANGE: u32 = 256;
/** The number of elements per item of a map. */
export const SLICE: u32 = 16384;
/**
 * The number of items per reduction, and the least number of elements per item. The rows of an item of planes have this
 * many bytes; threads take so many of those each. With 8 instead of 4 for each of two threads, moments and gradSums of
 * [8, 512, 49], float64, took 1.1 and 1.2 times as long, because each row of an item is a new stream.
 */
const ITEMS: u32 = 16;
const PART: u32 = 16384;
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

/** The bytes of the entries of a block of 64 bytes of columns. */
export const BLOCK_BYTES: u32 = 384;
/** The scratch memory: entries of reductions, then tables. Each table has one element per channel or column. */
const PARTIAL: u32 = 524288;
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

/** Whether sums walk the tensor as planes. */
export function areSumsOfPlanes(): bool {
  return arePlanes(ROWS_OF_SUMS);
}

/** Whether maps walk the tensor as planes. If they do, sums do as well. */
export function areMapsOfPlanes(): bool {
  return arePlanes(ROWS_OF_MAPS);
}

/** A single channel is one plane. */
function arePlanes(rows: f32): bool {
  if (job.channels === 1) {
    job.inner *= job.outer;
    job.outer = 1;
  }
  return job.inner >= LONG_ROW || (job.inner >= SHORT_ROW && f32(job.outer) <= rows * f32(job.inner));
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

// ---- planes

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
export function planPlanes<T>(operands: u32): void {
  const m = count();
  const tiles = max<u32>(min(min(ITEMS, job.channels), (job.channels * job.inner * sizeof<T>()) / RUN_BYTES), 1);
  let cuts: u32 = 1;
  while (tiles * cuts * 2 <= ITEMS && elements() / (tiles * cuts * 2) >= PART) cuts *= 2;
  job.size = max<u32>((parts(m, cuts) + 15) & ~15, 1);
  job.parts = max<u32>(parts(m, job.size), 1);
  const channels = min(job.channels, CHUNK);
  job.span = isShared(operands * bytes<T>()) ? parts(channels, min(tiles, TILES_PER_THREAD * threads())) : channels;
}

/** The end of the channels that currently have an entry in the tables; they begin at `job.first`. */
export function lastOfChunk(): u32 {
  return min(job.first + CHUNK, job.channels);
}

/** The number of tiles of the chunk. */
export function items(): u32 {
  return parts(lastOfChunk() - job.first, job.span);
}

/** The number of slices that a map of the chunk is cut into. */
export function slicesOfChunk(): u32 {
  return parts(job.outer * (lastOfChunk() - job.first) * job.inner, SLICE);
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
  planPlanes<T>(operands);
  const span = max<u32>(min(BLOCK / m, job.channels / BLOCKS), 1);
  const row = span * job.inner * sizeof<T>();
  const apart = gcd(job.channels * job.inner * sizeof<T>(), WAY);
  const covered = (WAY / apart) * min(row, apart);
  if (row < LONG_RUN || span * m * sizeof<T>() > WAYS * covered) return false;
  job.span = span;
  return true;
}

// ---- columns

/** The number of channels of the tile; the first one is `job.first`. */
export function channelsOfTile(): u32 {
  return job.columns / job.fold / job.inner;
}

/** Whether each column of the tile is a channel of its own. */
export function isColumnPerChannel(): bool {
  return job.inner === 1 && job.fold === 1;
}

/** The number of ranges into which the tile's channels are cut to be finished. */
export function ranges(): u32 {
  return parts(channelsOfTile(), RANGE);
}

export function firstOfRange(range: u32): u32 {
  return job.first + range * RANGE;
}

export function lastOfRange(range: u32): u32 {
  return min(firstOfRange(range) + RANGE, job.first + channelsOfTile());
}

export function bytesOfTile<T>(): u64 {
  return u64(job.rows) * job.columns * sizeof<T>();
}

/**
 * Plans the tile of whole channels that begins at a column. A row of the tile has at least 64 bytes: `fold` narrow rows
 * are folded into one, and `rest` elements follow the last of those. There are `parts` items of `span` rows each.
 */
export function planColumns<T>(column: u32): void {
  const width = job.channels * job.inner;
  const lanes: u32 = 64 / sizeof<T>();
  job.firstColumn = column;
  job.first = column / job.inner;
  const most = ((CHUNK / job.inner) & ~15) * job.inner;
  const left = width - column;
  // The last two tiles have the same size, so that none is narrower than a block.
  job.columns = left <= most ? left : left < 2 * most ? ((left / job.inner / 2 + 15) & ~15) * job.inner : most;
  job.fold = 1;
  if (width < WIDE) {
    job.fold = lanes / gcd(width, lanes);
    if (job.fold * width > MOST_FOLDED) job.fold = parts(2 * WIDE, width);
    job.columns = job.fold * width;
  }
  job.stride = job.fold * width * sizeof<T>();
  job.rows = job.outer / job.fold;
  job.rest = (job.outer - job.rows * job.fold) * width;
  job.blocks = parts(job.columns, lanes);
  const room = min(ITEMS, PARTIAL / (job.blocks * BLOCK_BYTES));
  let cuts: u32 = 1;
  while (cuts * 2 <= room && (job.rows / (cuts * 2)) * job.columns >= PART && job.rows / (cuts * 2) >= 2 * BAND)
    cuts *= 2;
  job.span = max<u32>(parts(parts(job.rows, cuts), BAND) * BAND, BAND);
  job.parts = max<u32>(parts(job.rows, job.span), 1);
}

/** Whether `operands` tensors of this shape are too large for a cache. */
export function isLarge<T>(operands: u32): bool {
  return operands * bytes<T>() > LARGE;
}

/** The number of rows that a reduction of `operands` tensors walks together. */
export function groupOf<T>(operands: u32): u32 {
  if (isLarge<T>(operands)) return 4;
  return min(max((GROUP_BYTES / (job.stride * operands)) & ~3, 4), BAND);
}

/**
 * The number of rows of each of the four streams that a reduction reads side by side, or 0. A stream is an odd number of
 * rows long, because addresses a power of two apart share few of the cache's sets.
 */
export function streamsOf<T>(operands: u32, rows: u32): u32 {
  return operands * bytes<T>() <= STREAMED ? 0 : odd(rows / 4);
}

/**
 * The number of rows that a map walks together, block by block, so that coefficients are loaded once for all of them.
 * They are streams of their own, of `odd` rows each: six if they come from the cache and leave room for tables of narrow
 * rows in its first level. Measured, ns per element, rows one by one, 4 that follow one another, then 4, 6 and 8
 * streams: float64 normalize of [4096, 64] 0.52, 0.38, 0.31, 0.29, 0.29; float32 normalize of [25088, 256] 0.61, 1.08,
 * 0.49, 0.49, 0.67, gradNormalize 0.93, 1.60, 0.87, 1.04, 1.80; of [4096, 64] 0.47, 0.25, 0.25, 0.24, 0.27; of
 * [512, 1024] 0.42, 0.26, 0.24, 0.25, 0.29.
 */
export function groupOfMap<T>(operands: u32): u32 {
  if (isOneBlock()) return ROWS_OF_BLOCK;
  return isLarge<T>(operands) || job.columns * sizeof<T>() > NARROW ? 4 : 6;
}

/** The rows of each stream of a map; 0 if all rows follow one another. */
export function streamsOfMap(rows: u32, group: u32): u32 {
  return isOneBlock() ? 0 : odd(rows / group);
}

/** Whether a row is one block, so that rows that follow one another are walked in order of memory. */
function isOneBlock(): bool {
  return job.stride === 64;
}

/** The largest odd number that is not above n; 0 for 0. */
export function odd(n: u32): u32 {
  return n === 0 ? 0 : (n - 1) | 1;
}

/**
 * Lists the blocks of 64 bytes of columns to be summed: all of them, or those with a marked channel. Each item is the
 * offset of the block's columns in a row, and that of its entries.
 */
export function listBlocks<T>(all: bool): void {
  const last = job.columns * sizeof<T>() - 64;
  let item = table(BLOCK_LIST);
  for (let block: u32 = 0; block < job.blocks; block++) {
    if (!all && !isMarked<T>(block)) continue;
    store<u32>(item, min(block * 64, last));
    store<u32>(item, block * BLOCK_BYTES, 4);
    item += 8;
  }
  job.listed = u32(item - table(BLOCK_LIST)) / 8;
}

function isMarked<T>(block: u32): bool {
  const columns: u32 = 64 / sizeof<T>();
  const channels = channelsOfTile();
  const first = min(block * columns, job.columns - columns);
  if (isColumnPerChannel()) return v128.any_true(v128.and(v128.load(table(FLAGS) + first), firstBytes(columns)));
  let channel = (first / job.inner) % channels;
  for (let c = first; c < first + columns; ) {
    if (load<u8>(table(FLAGS) + channel) !== 0) return true;
    c += job.inner - (c % job.inner);
    if (++channel === channels) channel = 0;
  }
  return false;
}

function gcd(a: u32, b: u32): u32 {
  while (b !== 0) {
    const r = a % b;
    a = b;
    b = r;
  }
  return a;
}
