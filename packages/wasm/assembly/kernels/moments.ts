/**
 * K-1: mean and biased variance of each channel. K-12: the same before their last roundings.
 *
 *   s = a number of few bits near the mean           moments/shift.ts
 *   A = sum of x - s, Q = sum of (x - s)^2           reduce/planes.ts, reduce/columns.ts, in order of memory
 *   mean = s + A / m, variance = (Q - A A / m) / m   moments/finish.ts
 *   if s was badly chosen: s = few bits of that mean, and A and Q of that channel are computed again
 *
 * Instructions per element, float32, counted in the machine code that V8 makes. One long row takes 1.5. A limit of 1.5
 * times that is 2.25, and 3 ns per channel are some 35 more per channel:
 *
 *                  sums   widening   shifts   totals, ends   all
 *   [8, 512, 49]   1.8    0.15       0.15     0.15           2.3   13 vectors per row for 49 elements
 *   [512, 1024]    2.1    0.15       0.1      0.1            2.4   groups of 4 rows: 41 more per 64 elements
 *   [64, 128]      1.5    0.3        0.55     0.6            2.9   16 of 64 values are sampled, two divisions per channel
 *   [1, 4096, 49]  1.8    0.3        1.2      0.8            4.1   16 of 49 values are sampled
 *
 * [64, 4096] and [1, 4096, 49] take up to 1.1 times their limit, in float32 and float64.
 *
 * Bounds: N-1, N-2, N-7, N-9, N-10.
 */
import { job, run } from "../job";
import {
  bytesOfTile,
  channelOf,
  eachTile,
  isColumnPerChannel,
  itemsOfSums,
  listBlocks,
  ownOf,
  pastOfItem,
} from "../plan/columns";
import { items, lastOfChunk, planPlanes } from "../plan/planes";
import { sumListed } from "../reduce/columns";
import { totalsOfColumns } from "../reduce/columns-totals";
import { sumPart } from "../reduce/planes";
import { totalsOfPlanes } from "../reduce/planes-totals";
import { Deviations } from "../reduce/terms";
import { areSumsOfPlanes, bytes, CHUNK, FLAGS, OWN, table } from "../shape";
import { spreadOwn } from "../tables";
import { finishChannel, finishMoments } from "./moments/finish";
import { planProbes, shiftsOfBlocks, shiftsOfPlanes } from "./moments/shift";

/** Without `variance` (0), computes the moments of K-12. */
export function moments<T>(): void {
  if (areSumsOfPlanes<T>(1)) {
    momentsOfPlanes<T>();
    return;
  }
  eachTile<T>(1, () => momentsOfTile<T>());
}

// ---- planes

export function momentsOfPlanes<T>(): void {
  planPlanes<T>(1);
  planProbes<T>();
  for (job.first = 0; job.first < job.channels; job.first += CHUNK) {
    if (job.parts === 1) run((item: u32) => momentsOfItem<T>(item), items(), 2 * bytes<T>());
    else {
      const last = lastOfChunk();
      shiftsOfPlanes<T>(job.first, last);
      run((item: u32) => sumItem<T>(item), items() * job.parts, 2 * bytes<T>());
      finishPlanes<T>(job.first, last);
    }
  }
}

/** Sums all elements of some channels. */
export function momentsOfItem<T>(item: u32): void {
  const first = job.first + item * job.span;
  momentsOfChannels<T>(first, min(first + job.span, lastOfChunk()));
}

export function momentsOfChannels<T>(first: u32, last: u32): void {
  shiftsOfPlanes<T>(first, last);
  for (let part: u32 = 0; part < job.parts; part++) sumPart<T, Deviations>(first, last, part);
  finishPlanes<T>(first, last);
}

/** Sums one part of some channels. */
export function sumItem<T>(item: u32): void {
  const first = job.first + (item / job.parts) * job.span;
  sumPart<T, Deviations>(first, min(first + job.span, lastOfChunk()), item % job.parts);
}

function finishPlanes<T>(first: u32, last: u32): void {
  totalsOfPlanes<T>(first, last);
  if (!finishMoments<T>(first, last, table(0))) return;
  for (let channel = first; channel < last; channel++) {
    if (load<u8>(table(FLAGS) + channel - job.first) === 0) continue;
    for (let part: u32 = 0; part < job.parts; part++) sumPart<T, Deviations>(channel, channel + 1, part);
    totalsOfPlanes<T>(channel, channel + 1);
    finishChannel<T>(channel, table(0), true);
  }
}

// ---- columns

export function momentsOfTile<T>(): void {
  run((item: u32) => momentsOfBlocks<T>(item), itemsOfSums(), 2 * bytesOfTile<T>());
}

/** All steps for some blocks of columns. */
export function momentsOfBlocks<T>(item: u32): void {
  const block = item * job.strip;
  const past = pastOfItem(item);
  const first = channelOf<T>(block);
  const last = channelOf<T>(past);
  shiftsOfBlocks<T>(block, past);
  sumBlocks<T>(block, past, true);
  totalsOfColumns<T>(first, last, true);
  const shifts = table(ownOf(0));
  if (!finishMoments<T>(first, last, shifts)) return;
  sumBlocks<T>(block, past, false);
  for (let channel = first; channel < last; channel++) {
    if (load<u8>(table(FLAGS) + channel - job.first) === 0) continue;
    totalsOfColumns<T>(channel, channel + 1, true);
    finishChannel<T>(channel, shifts, true);
  }
}

/** Sums all of the blocks, or those with a marked channel. */
function sumBlocks<T>(block: u32, past: u32, all: bool): void {
  if (!isColumnPerChannel()) spreadOwn<T>(0, OWN);
  sumListed<T, Deviations>(block, listBlocks<T>(block, past, all));
}
