/**
 * Columns: the tile of columns that is walked at a time, how threads share it, and how many rows are walked together.
 *
 * Threads share a reduction in one of two ways, which follows from the shape. If there are many columns, each thread takes
 * strips of them from the first row to the last, and does all steps for their channels. Otherwise, or if channels have
 * several columns, the rows are cut into parts, and one thread adds the parts' sums.
 */
import { isShared, job, threads } from "../job";
import { BLOCK_LIST, bytes, CHUNK, FLAGS, gcd, isFar, isLarge, OWN, odd, PARTIAL, parts, table } from "../shape";
import { firstBytes } from "../vector";

/** Narrower rows are folded until blocks of columns do not overlap, or until the rows are this wide. */
const WIDE: u32 = 64;
/**
 * The number of rows of columns that are summed in the dtype before their sums are widened. In trees of four rows they are
 * as many additions as in a full run of planes.
 */
export const BAND: u32 = 32;
/**
 * The bytes of the rows that are summed together, block by block, so that they stay in the first-level cache. Eight streams
 * of two operands share it with what hardware prefetches, so they get half, but eight rows if these fit. Each stream of a
 * tensor that comes from memory is read strictly in order. Measured, us, with a quarter, half and all of it: gradSums of
 * [4096, 64] 35.7, 35.1, 38.8, of [2048, 128] 43.3, 37.9, 45.2, float64 [4096, 64] 91, 83, 102; in the cache, of
 * [64, 128] 1.9, 1.7, 1.6; moments of [2048, 128] 28.0, 28.5, 27.7. float64, ns per element, with 1, 2, 3, 4, 7 fours of
 * rows of 8 KiB: gradSums of [512, 1024] 0.59, 0.62, 0.72, 0.96, 1.25.
 */
const GROUP_BYTES: u32 = 16384;
/**
 * Tensors of more bytes are summed as four streams. Measured against rows one after the other, float32, ns per element:
 * moments [25088, 256] 0.23 and 0.40; [100352, 64] 0.24 and 0.48; gradSums 0.54 and 0.88, 0.48 and 0.78; in the cache,
 * gradSums [4096, 64] 0.30 and 0.32, but float64 [64, 128] 0.73 and 0.70.
 */
const STREAMED: u64 = 131072;
/**
 * The number of rows that a map walks together, and the most streams that it reads and writes if its tensors exceed a
 * core's own cache. The tables of long rows take half of the first-level cache and more, so more rows have to share them:
 * rows of more than LONG_BYTES, or LONG_GRADIENT for a gradient, which reads another tensor and another table.
 */
const ROWS_OF_MAP: u32 = 4;
const MOST_STREAMS: u32 = 8;
const MOST_STREAMS_OF_LONG: u32 = 12;
const LONG_BYTES: u32 = 8192;
const LONG_GRADIENT: u32 = 4096;
/** Memory is read fastest in order: a map walks row by row, unless a row has fewer than SHORT_BYTES. */
const SHORT_BYTES: u32 = 512;
/**
 * A map walks narrow rows, of at most NARROW bytes, in order of memory, so many bytes at once. From memory, only rows of
 * one block are narrow. Measured against streams, us: normalize [65536, 4] 21 and 38, [8192, 32] 24.8 and 29.7, float64
 * [16384, 16] 50 and 63, gradNormalize [10923, 24] 79 and 87; but float64 [4096, 64], rows of 512 bytes, normalize 59 and
 * 46; from memory [100352, 64], float32, 2,140 and 1,270.
 */
const NARROW: u32 = 192;
const NARROW_BYTES: u32 = 4096;
const MOST_FOLDED: u32 = 256;
/**
 * The rows of a tile are cut into at most so many parts, of at least PART elements. Each part has entries of its own,
 * which cost time: measured with 4 and 16 parts, float32, us, moments of [4096, 64] 26.3 and 27.1, gradSums 36.0 and 38.9,
 * of [25088, 256] 1,683 and 1,761.
 */
const PARTS: u32 = 4;
const PART: u32 = 32768;
/**
 * Columns of up to FEW_ROWS rows are not cut, nor are MANY columns of a single operand in the cache: threads take strips of
 * them. Measured with parts and with strips, float32, us: moments of [512, 1024] on one thread 66.8 and 64.3; on two
 * threads, whose cores have caches of their own, 42.1 and 38.7; but gradSums of [512, 1024] 56 and 71, and moments of
 * [12544, 512] 456 and 710, because hardware prefetches past the end of a strip's rows.
 */
const FEW_ROWS: u32 = 128;
const MANY: u32 = 512;
/** A thread takes so many strips of a reduction, of at least so many blocks. */
const STRIPS_PER_THREAD: u32 = 2;
const LEAST_BLOCKS: u32 = 8;
/**
 * A thread takes so many items of a map, most of which are four streams. Where this number and the tensor's size are powers
 * of two, streams that lie a sixteenth or a 32nd of the tensor apart take up to 1.1 times as long, on one thread too; why,
 * was not found. Measured on two threads, float32, us, with 3, 4, 5 and 7 items: gradNormalize [4096, 64] 19.0, 21.1,
 * 19.5 and 19.9, [1024, 256] 18.7, 21.1, 18.8 and 19.7, [8192, 64] 41.5, 45.7, 41.9 and 43.1, but [3000, 100] 22.7, 21.9,
 * 22.7 and 22.1; normalize [4096, 64], float64, 24.4, 26.0, 24.7 and 25.1.
 */
const ITEMS_PER_THREAD: u32 = 3;
/** The bytes of the entries of a block of 64 bytes of columns. */
export const BLOCK_BYTES: u32 = 384;

/** The number of channels of the tile; the first one is `job.first`. */
export function channelsOfTile(): u32 {
  return job.columns / job.fold / job.inner;
}

/** Whether each column of the tile is a channel of its own. */
export function isColumnPerChannel(): bool {
  return job.inner === 1 && job.fold === 1;
}

export function bytesOfTile<T>(): u64 {
  return u64(job.rows) * job.columns * sizeof<T>();
}

/** The table with what a tile's channels have before it is spread over their columns in table `index`. */
export function ownOf(index: u32): u32 {
  return isColumnPerChannel() ? index : OWN;
}

/** Whether threads take whole strips of columns. */
export function areStripsWhole(): bool {
  return isColumnPerChannel() && job.parts === 1;
}

/**
 * Whether a map walks whole strips as well, so that each core finds in its cache what it has summed. Measured on two
 * threads, float32, us, maps of whole rows and of strips: forward [64, 4096] 48.7 and 42.5, [128, 2048] 42.5 and 35.2,
 * backward 54.0 and 53.5; but of [256, 2048] 99 and 110, [512, 1024] 92 and 113.
 */
export function areStripsMapped(): bool {
  return areStripsWhole() && job.rows <= FEW_ROWS;
}

/** The number of items of a reduction: strips if they are whole, or one of all blocks, in which threads share the sums. */
export function itemsOfSums(): u32 {
  return areStripsWhole() ? strips() : 1;
}

/** The end of an item's blocks; the first one is `item * job.strip`. */
export function pastOfItem(item: u32): u32 {
  return areStripsWhole() ? pastOfStrip(item) : job.blocks;
}

/**
 * The number of strips. The last one has up to twice as many blocks, because the last block may overlap the one before.
 */
export function strips(): u32 {
  return max<u32>(job.blocks / job.strip, 1);
}

export function pastOfStrip(strip: u32): u32 {
  return strip + 1 < strips() ? (strip + 1) * job.strip : job.blocks;
}

/** The first channel of an item's first block, or the end of its last block's channels. */
export function channelOf<T>(block: u32): u32 {
  if (block === job.blocks) return job.first + channelsOfTile();
  return job.first + block * (64 / sizeof<T>());
}

/** Plans each tile in turn, for sums of so many operands, and calls `work` for it. */
export function eachTile<T>(operands: u32, work: () => void): void {
  const width = job.channels * job.inner;
  for (let column: u32 = 0; column < width; column += job.columns) {
    planColumns<T>(column, operands);
    work();
  }
}

/**
 * Plans the tile of whole channels that begins at a column. A row of the tile has at least 64 bytes: `fold` narrow rows
 * are folded into one, and `rest` elements follow the last of those. A reduction is cut into `parts` of `span` rows each,
 * and into strips of `strip` blocks.
 */
function planColumns<T>(column: u32, operands: u32): void {
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
  const areMany = operands === 1 && job.columns >= MANY && !isLarge<T>(1);
  let cuts: u32 = areMany || job.rows <= FEW_ROWS ? 1 : PARTS;
  while (cuts > 1 && !areWorthwhile(cuts)) cuts /= 2;
  job.span = max<u32>((parts(job.rows, cuts) + 3) & ~3, BAND);
  job.parts = max<u32>(parts(job.rows, job.span), 1);
  const items = isShared(2 * bytesOfTile<T>()) ? parts(STRIPS_PER_THREAD * threads(), job.parts) : 1;
  job.strip = max(job.blocks / items, LEAST_BLOCKS);
}

/** Whether so many parts have enough elements and rows, and their entries a place. */
function areWorthwhile(cuts: u32): bool {
  const rows = job.rows / cuts;
  return rows * job.columns >= PART && rows >= 2 * BAND && cuts * job.blocks * BLOCK_BYTES <= PARTIAL;
}

/** Cuts the tile's rows for a map into items of `span` rows each. Returns their number. */
export function planRows<T>(operands: u32): u32 {
  const items = isShared(operands * bytesOfTile<T>()) ? ITEMS_PER_THREAD * threads() : 1;
  job.span = max<u32>(parts(job.rows, items), 1);
  return max<u32>(parts(job.rows, job.span), 1);
}

/** The number of rows of `operands` tensors, in fours, that take so many bytes. */
function rowsIn(bytes: u32, operands: u32): u32 {
  return min(max((bytes / (u32(job.stride) * operands)) & ~3, 4), BAND);
}

/** The number of rows that a reduction of `operands` tensors walks together. */
export function groupOf<T>(operands: u32): u32 {
  if (isLarge<T>(operands)) return 4;
  const most = rowsIn(GROUP_BYTES, operands);
  if (operands === 1 || operands * bytes<T>() <= STREAMED) return most;
  return max(rowsIn(GROUP_BYTES / 2, operands), min(most, 8));
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
 * They are streams of their own, of `odd` rows each. Measured, float32, us, with rows one by one, 4 that follow one
 * another, then 2, 4 and 6 streams: normalize of [4096, 64] 54, 25.6, 34, 24.3, 27.8; of [1024, 256] 39, 26.8, 26.3, 23.5,
 * 30.5; gradNormalize of [2048, 128] 63, 44, 45, 38.7, 49.8; of [512, 512] 58, 44, 40, 41, 55. Larger ones, with rows one
 * by one and as streams: normalize of [8192, 256] 330 and 201, [12544, 256] 532 and 508, [25088, 256] 1,237 and 1,413,
 * [12544, 512] 1,115 and 1,267, but [100352, 64] 1,397 and 1,213; gradNormalize of [8192, 256] 529 and 537, [25088, 256]
 * 1,943 and 2,174; of [12544, 512], float64, normalize 2,865 and 3,504, gradNormalize 4,104 and 5,507; but of
 * [8192, 1024], float64, gradNormalize 11,560 and 7,070. Longer rows, with 4, 6 and 8 streams: normalize of [3136, 2048]
 * 1,859, 1,727 and 1,721, [1092, 192, 31] 2,090, 1,853 and 1,818, [784, 8192] 1,873, 1,704 and 1,974; gradNormalize, with
 * 3, 4 and 6, of [3136, 2048] 2,838, 2,799 and 3,268. Row by row: normalize of [4232, 1536] 1,839 and 1,202, [3136, 2048]
 * 1,637 and 1,441, gradNormalize 2,675 and 3,951, [4232, 1536] 3,223 and 3,808.
 */
export function groupOfMap<T>(operands: u32): u32 {
  const stride = u32(job.stride);
  if (areRowsNarrow<T>(operands)) return NARROW_BYTES / stride;
  if (!isLarge<T>(operands)) return ROWS_OF_MAP;
  if (stride > (operands === 2 ? LONG_BYTES : LONG_GRADIENT)) return MOST_STREAMS_OF_LONG / operands;
  return isFar<T>(operands) && stride >= SHORT_BYTES ? 1 : MOST_STREAMS / operands;
}

/** The rows of each stream of a map; 0 if all rows follow one another. */
export function streamsOfMap<T>(operands: u32, rows: u32, group: u32): u32 {
  return areRowsNarrow<T>(operands) ? 0 : odd(rows / group);
}

function areRowsNarrow<T>(operands: u32): bool {
  return job.stride <= <usize>(isLarge<T>(operands) ? 64 : NARROW);
}

/**
 * Lists the blocks of 64 bytes of columns to be summed, from the list's item `first` on: blocks [first, last), or those of
 * them with a marked channel. Each item is the offset of the block's columns in a row, and that of its entries. Returns
 * the end of the list.
 */
export function listBlocks<T>(first: u32, last: u32, all: bool): u32 {
  const lastOffset = job.columns * sizeof<T>() - 64;
  for (let block = first; block < last; block++) {
    if (!all && !isMarked<T>(block)) continue;
    const item = table(BLOCK_LIST) + 8 * first++;
    store<u32>(item, min(block * 64, lastOffset));
    store<u32>(item, block * BLOCK_BYTES, 4);
  }
  return first;
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
