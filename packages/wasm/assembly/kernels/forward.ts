/** K-10. moments, movingAverage and normalize run in turn on blocks of channels that stay in cache. */
import { job, run } from "../job";
import { areStripsMapped, bytesOfTile, eachTile, strips } from "../plan/columns";
import { items, lastOfChunk, planBlocks } from "../plan/planes";
import { areMapsOfPlanes, areSumsOfPlanes, bytes, CHUNK } from "../shape";
import { momentsOfBlocks, momentsOfChannels, momentsOfPlanes, momentsOfTile } from "./moments";
import { planProbes } from "./moments/shift";
import { movingAverage } from "./moving-average";
import { mapTensor, normalizeBlock, normalizeStrip, normalizeTile } from "./normalize";

export function forward<T>(): void {
  if (!areSumsOfPlanes<T>(1)) {
    eachTile<T>(1, () => forwardOfTile<T>());
  } else if (areMapsOfPlanes<T>() && planBlocks<T>(1)) {
    planProbes<T>();
    for (job.first = 0; job.first < job.channels; job.first += CHUNK)
      run((item: u32) => forwardOfBlock<T>(item), items(), 2 * bytes<T>());
  } else {
    momentsOfPlanes<T>();
    mapTensor<T>();
  }
  if (job.runningMean) movingAverage<T>();
}

function forwardOfTile<T>(): void {
  if (areStripsMapped()) {
    run((strip: u32) => forwardOfStrip<T>(strip), strips(), 2 * bytesOfTile<T>());
    return;
  }
  momentsOfTile<T>();
  normalizeTile<T>();
}

export function forwardOfStrip<T>(strip: u32): void {
  momentsOfBlocks<T>(strip);
  normalizeStrip<T>(strip);
}

export function forwardOfBlock<T>(item: u32): void {
  const first = job.first + item * job.span;
  const last = min(first + job.span, lastOfChunk());
  momentsOfChannels<T>(first, last);
  normalizeBlock<T>(first, last);
}
