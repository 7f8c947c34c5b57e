/** K-10. moments, movingAverage and normalize run in turn on blocks of channels that stay in cache. */
import { job, run } from "../job";
import { Normalize } from "../map/kind";
import { mapBlock, mapStrip, mapTensor, mapTile } from "../map/walk";
import { areStripsMapped, bytesOfTile, eachTile, strips } from "../plan/columns";
import { items, lastOfChunk, planBlocks } from "../plan/planes";
import { areMapsOfPlanes, areSumsOfPlanes, bytes, CHUNK } from "../shape";
import { momentsOfBlocks, momentsOfChannels, momentsOfPlanes, momentsOfTile } from "./moments";
import { planProbes } from "./moments/shift";
import { movingAverage } from "./moving-average";

export function forward<T>(): void {
  if (!areSumsOfPlanes<T>(1)) {
    eachTile<T>(1, () => forwardOfTile<T>());
  } else if (areMapsOfPlanes<T>() && planBlocks<T>(1)) {
    planProbes<T>();
    for (job.first = 0; job.first < job.channels; job.first += CHUNK)
      run((item: u32) => forwardOfBlock<T>(item), items(), 2 * bytes<T>());
  } else {
    momentsOfPlanes<T>();
    mapTensor<T, Normalize>();
  }
  if (job.runningMean) movingAverage<T>();
}

function forwardOfTile<T>(): void {
  if (areStripsMapped()) {
    run((strip: u32) => forwardOfStrip<T>(strip), strips(), 2 * bytesOfTile<T>());
    return;
  }
  momentsOfTile<T>();
  mapTile<T, Normalize>();
}

export function forwardOfStrip<T>(strip: u32): void {
  momentsOfBlocks<T>(strip);
  mapStrip<T, Normalize>(strip);
}

export function forwardOfBlock<T>(item: u32): void {
  const first = job.first + item * job.span;
  const last = min(first + job.span, lastOfChunk());
  momentsOfChannels<T>(first, last);
  mapBlock<T, Normalize>(first, last);
}
