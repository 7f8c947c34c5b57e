/**
 * How a map K walks the tensor.
 *
 *   planes: coefficients of all channels; for each slice of memory, for each row in it: map the row
 *   columns: coefficients of all columns; for each group of rows, for each block of columns: map the block in all rows
 *
 * Channels whose coefficients are out of range are mapped one by one (careful/maps.ts).
 */
import { canBeHelped } from "../careful/range";
import { job, run } from "../job";
import {
  areStripsMapped,
  bytesOfTile,
  channelOf,
  channelsOfTile,
  eachTile,
  groupOfMap,
  pastOfStrip,
  planRows,
  streamsOfMap,
  strips,
} from "../plan/columns";
import { eachRun, lastOfChunk, slicesOfChunk } from "../plan/planes";
import { areMapsOfPlanes, bytes, CHUNK, table } from "../shape";
import { isInRange, mapCarefully, mapGroup, mapRows, mapStart, openChannels, openTile, tensors } from "./kind";

export function mapTensor<T, K>(): void {
  if (areMapsOfPlanes<T>()) {
    for (job.first = 0; job.first < job.channels; job.first += CHUNK) mapChunk<T, K>();
    return;
  }
  eachTile<T>(offsetof<K>(), () => mapTile<T, K>());
}

/**
 * Checks channel by channel; the coefficients of each lie `step` bytes after those of the one before. Returns false if
 * there is a channel for which the ordinary map is not right and the careful map may be.
 */
function areInRange<T, K>(first: u32, n: u32, at: usize, step: usize): bool {
  for (const last = first + n; first < last; first++, at += step)
    if (!isInRange<T, K>(first, at) && canBeHelped<T>(first)) return false;
  return true;
}

/** Maps all rows of n channels one channel at a time, those out of range carefully. */
function mapChannels<T, K>(first: u32, n: u32, at: usize, step: usize): void {
  const plane = job.inner * sizeof<T>();
  for (const last = first + n; first < last; first++, at += step) {
    if (!isInRange<T, K>(first, at) && mapCarefully<T, K>(first)) continue;
    for (let o: u32 = 0; o < job.outer; o++)
      mapRows<T, K>((o * job.channels + first) * plane, job.inner, job.inner, at);
  }
}

// ---- planes

/** Maps the channels that have a place in the tables. */
function mapChunk<T, K>(): void {
  const first = job.first;
  const n = lastOfChunk() - first;
  if (openChannels<T, K>(table(0), first, n) || areInRange<T, K>(first, n, table(0), sizeof<T>()))
    run((item: u32) => mapSlice<T, K>(item), slicesOfChunk(), tensors<K>() * bytes<T>());
  else mapChannels<T, K>(first, n, table(0), sizeof<T>());
}

/** One slice of the chunk's elements, in order of memory. */
export function mapSlice<T, K>(slice: u32): void {
  eachRun<T>(slice, (offset: usize, n: u32, rest: u32, at: usize) => mapRows<T, K>(offset, n, rest, at));
}

/** Maps all rows of channels [first, last) of a chunk, which lie one behind the other. */
export function mapBlock<T, K>(first: u32, last: u32): void {
  const n = last - first;
  const at = table(0) + (first - job.first) * sizeof<T>();
  if (!openChannels<T, K>(at, first, n) && !areInRange<T, K>(first, n, at, sizeof<T>())) {
    mapChannels<T, K>(first, n, at, sizeof<T>());
    return;
  }
  for (let o: u32 = 0; o < job.outer; o++)
    mapRows<T, K>((o * job.channels + first) * job.inner * sizeof<T>(), n * job.inner, job.inner, at);
}

// ---- columns

export function mapTile<T, K>(): void {
  if (areStripsMapped()) {
    run((item: u32) => mapStrip<T, K>(item), strips(), tensors<K>() * bytesOfTile<T>());
    return;
  }
  const first = job.first;
  const n = channelsOfTile();
  const apart = job.inner * sizeof<T>();
  if (!openTile<T, K>() && !areInRange<T, K>(first, n, table(0), apart)) {
    mapChannels<T, K>(first, n, table(0), apart);
    return;
  }
  run((item: u32) => mapSpan<T, K>(item), planRows<T>(tensors<K>()), tensors<K>() * bytesOfTile<T>());
}

/** Maps a strip of columns, each of which is a channel. */
export function mapStrip<T, K>(strip: u32): void {
  const first = channelOf<T>(strip * job.strip);
  const n = channelOf<T>(pastOfStrip(strip)) - first;
  const column = first - job.first;
  const at = table(0) + column * sizeof<T>();
  if (openChannels<T, K>(at, first, n) || areInRange<T, K>(first, n, at, sizeof<T>()))
    mapColumns<T, K>(0, job.rows, column, n);
  else mapChannels<T, K>(first, n, at, sizeof<T>());
}

/** Maps some rows of the tile, and after the last one what is not folded. */
export function mapSpan<T, K>(item: u32): void {
  const end = min((item + 1) * job.span, job.rows);
  mapColumns<T, K>(item * job.span, end, 0, job.columns);
  if (end === job.rows && job.rest > 0) mapStart<T, K>(job.firstColumn * sizeof<T>() + end * job.stride, job.rest);
}

/** Maps rows [row, end) of n columns. */
function mapColumns<T, K>(row: u32, end: u32, column: u32, n: u32): void {
  const group = groupOfMap<T>(tensors<K>());
  const far = streamsOfMap<T>(tensors<K>(), end - row, group);
  const stride = job.stride;
  for (const last = row + far; row < last; row++) mapGroup<T, K>(row, group, far * stride, column, n);
  for (row += (group - 1) * far; row < end; row += group) mapGroup<T, K>(row, min(group, end - row), stride, column, n);
}
