/** K-10. gradSums and gradNormalize run in turn on blocks of channels that stay in cache. */
import { job, run } from "../job";
import { eachTile } from "../plan/columns";
import { items, lastOfChunk, planBlocks } from "../plan/planes";
import { areMapsOfPlanes, areSumsOfPlanes, bytes, CHUNK } from "../shape";
import { gradNormalizeBlock, gradNormalizeTensor, gradNormalizeTile } from "./grad-normalize";
import { gradSumsOfChannels, gradSumsOfPlanes, gradSumsOfTile } from "./grad-sums";

export function backward<T>(): void {
  job.fused = 1;
  job.inverses = 0;
  if (!areSumsOfPlanes()) {
    eachTile<T>(() => {
      gradSumsOfTile<T>();
      gradNormalizeTile<T>();
    });
  } else if (areMapsOfPlanes() && planBlocks<T>(2)) {
    for (job.first = 0; job.first < job.channels; job.first += CHUNK)
      run((item: u32) => backwardOfBlock<T>(item), items(), 3 * bytes<T>());
  } else {
    gradSumsOfPlanes<T>();
    gradNormalizeTensor<T>();
  }
}

export function backwardOfBlock<T>(item: u32): void {
  const first = job.first + item * job.span;
  const last = min(first + job.span, lastOfChunk());
  gradSumsOfChannels<T>(first, last);
  gradNormalizeBlock<T>(first, last);
}
