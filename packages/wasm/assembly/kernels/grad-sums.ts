/**
 * K-3. Computes sum dy and sum dy * x^ for each channel, with x^ = (x - mean) r, and adds them into the gradients of
 * beta and gamma.
 *
 *   p = the power of two next to r
 *   A = sum of dy, Q = sum of dy * ((x - mean) p)    reduce/planes.ts, reduce/columns.ts, in order of memory
 *   sum dy = A, sum dy x^ = Q r / p                  grad-sums/finish.ts, in float64
 *
 * The terms are in range wherever dy * x^ is, and only dy * (x - mean) rounds. Bounds: N-5, N-7, N-10.
 *
 * Instructions per element, float32, counted in the machine code that V8 makes: 2.0 for one long row, 2.1 for columns in
 * bands of 32 rows, and 2.8 in groups of 4 rows, as in [512, 1024], where a block's sums are loaded and stored for each.
 * Widening adds 0.15. Per channel, a square root and a division of float64 take 7 cycles, which is 3 ns at 2.45 GHz.
 */
import { job, run } from "../job";
import {
  bytesOfTile,
  channelOf,
  eachTile,
  isColumnPerChannel,
  itemsOfSums,
  listBlocks,
  pastOfItem,
} from "../plan/columns";
import { items, lastOfChunk, planPlanes } from "../plan/planes";
import { sumListed } from "../reduce/columns";
import { totalsOfColumns } from "../reduce/columns-totals";
import { sumPart } from "../reduce/planes";
import { totalsOfPlanes } from "../reduce/planes-totals";
import { Products } from "../reduce/terms";
import { areSumsOfPlanes, bytes, CHUNK, table } from "../shape";
import { means, powers, spread, spreadPowers } from "../tables";
import { finishSums } from "./grad-sums/finish";

export function gradSums<T>(): void {
  if (areSumsOfPlanes<T>(2)) {
    gradSumsOfPlanes<T>();
    return;
  }
  eachTile<T>(2, () => gradSumsOfTile<T>());
}

// ---- planes

export function gradSumsOfPlanes<T>(): void {
  planPlanes<T>(2);
  for (job.first = 0; job.first < job.channels; job.first += CHUNK) {
    if (job.parts === 1) run((item: u32) => gradSumsOfItem<T>(item), items(), 2 * bytes<T>());
    else {
      const last = lastOfChunk();
      openChannels<T>(job.first, last);
      run((item: u32) => gradSumItem<T>(item), items() * job.parts, 2 * bytes<T>());
      totalsOfPlanes<T>(job.first, last);
      finishSums<T>(job.first, last);
    }
  }
}

/** Sums all elements of some channels. */
export function gradSumsOfItem<T>(item: u32): void {
  const first = job.first + item * job.span;
  gradSumsOfChannels<T>(first, min(first + job.span, lastOfChunk()));
}

export function gradSumsOfChannels<T>(first: u32, last: u32): void {
  openChannels<T>(first, last);
  for (let part: u32 = 0; part < job.parts; part++) sumPart<T, Products>(first, last, part);
  totalsOfPlanes<T>(first, last);
  finishSums<T>(first, last);
}

/** Sums one part of some channels. */
export function gradSumItem<T>(item: u32): void {
  const first = job.first + (item / job.parts) * job.span;
  sumPart<T, Products>(first, min(first + job.span, lastOfChunk()), item % job.parts);
}

function openChannels<T>(first: u32, last: u32): void {
  const at = (first - job.first) * sizeof<T>();
  means<T>(table(0) + at, first, last - first);
  powers<T>(table(1) + at, first, last - first);
}

// ---- columns

export function gradSumsOfTile<T>(): void {
  job.inverses = job.first;
  run((item: u32) => gradSumsOfBlocks<T>(item), itemsOfSums(), 2 * bytesOfTile<T>());
}

/** All steps for some blocks of columns. */
export function gradSumsOfBlocks<T>(item: u32): void {
  const block = item * job.strip;
  const past = pastOfItem(item);
  const first = channelOf<T>(block);
  const last = channelOf<T>(past);
  if (isColumnPerChannel()) openChannels<T>(first, last);
  else {
    spread<T>(0, job.mean, 0);
    spreadPowers<T>(1);
  }
  sumListed<T, Products>(block, listBlocks<T>(block, past, true));
  totalsOfColumns<T>(first, last, false);
  finishSums<T>(first, last);
}
