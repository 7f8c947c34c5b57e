/** K-10. gradSums and gradNormalize run in turn on blocks of channels that stay in cache. */
import { job, run } from "../job";
import { Gradient } from "../map/kind";
import { mapBlock, mapStrip, mapTensor, mapTile } from "../map/walk";
import { areStripsMapped, bytesOfTile, eachTile, strips } from "../plan/columns";
import { items, lastOfChunk, planBlocks } from "../plan/planes";
import { areMapsOfPlanes, areSumsOfPlanes, bytes, CHUNK } from "../shape";
import { gradSumsOfBlocks, gradSumsOfChannels, gradSumsOfPlanes, gradSumsOfTile } from "./grad-sums";

export function backward<T>(): void {
  job.fused = 1;
  job.inverses = 0;
  if (!areSumsOfPlanes<T>(2)) {
    eachTile<T>(2, () => backwardOfTile<T>());
  } else if (areMapsOfPlanes<T>() && planBlocks<T>(2)) {
    for (job.first = 0; job.first < job.channels; job.first += CHUNK)
      run((item: u32) => backwardOfBlock<T>(item), items(), 3 * bytes<T>());
  } else {
    gradSumsOfPlanes<T>();
    mapTensor<T, Gradient>();
  }
}

function backwardOfTile<T>(): void {
  if (areStripsMapped()) {
    run((strip: u32) => backwardOfStrip<T>(strip), strips(), 3 * bytesOfTile<T>());
    return;
  }
  gradSumsOfTile<T>();
  mapTile<T, Gradient>();
}

export function backwardOfStrip<T>(strip: u32): void {
  gradSumsOfBlocks<T>(strip);
  mapStrip<T, Gradient>(strip);
}

export function backwardOfBlock<T>(item: u32): void {
  const first = job.first + item * job.span;
  const last = min(first + job.span, lastOfChunk());
  gradSumsOfChannels<T>(first, last);
  mapBlock<T, Gradient>(first, last);
}
