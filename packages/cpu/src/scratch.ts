import { CHANNEL_BLOCK } from "./layout.ts";

/**
 * A backend's working memory, allocated once: partial results per channel of a channels-last block, or of one channel
 * at index 0. No kernel keeps anything in it between calls.
 */
export interface Scratch {
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly c: Float64Array;
  readonly d: Float64Array;
  readonly e: Float64Array;
}

export function createScratch(): Scratch {
  const array = () => new Float64Array(CHANNEL_BLOCK);
  return { a: array(), b: array(), c: array(), d: array(), e: array() };
}
