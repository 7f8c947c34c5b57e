import type { HostArray } from "../backend.ts";

/** A number that differs if these values differ. All NaNs count as equal, whatever their bits, and so do both zeros. */
export function digestOf(views: readonly HostArray[], lengths: readonly number[]): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < views.length; i++) hash = mixedIn(hash, views[i] as HostArray, lengths[i] as number);
  return hash >>> 0;
}

function mixedIn(start: number, view: HostArray, length: number): number {
  const each = view.BYTES_PER_ELEMENT / Int32Array.BYTES_PER_ELEMENT;
  const words = new Int32Array(view.buffer, view.byteOffset, each * length);
  let hash = start;
  for (let c = 0; c < length; c++) {
    const value = view[c] as number;
    // All zeros and all NaNs are one word, whatever the type.
    if (value === 0 || Number.isNaN(value)) hash = mixed(hash, value === 0 ? 0 : 1);
    else for (let i = c * each; i < (c + 1) * each; i++) hash = mixed(hash, words[i] as number);
  }
  return hash;
}

/** The step of MurmurHash3: multiplications spread a bit upwards only, rotations bring it down again. */
function mixed(hash: number, word: number): number {
  const a = Math.imul(word, 0xcc9e2d51);
  const b = hash ^ Math.imul((a << 15) | (a >>> 17), 0x1b873593);
  return (Math.imul((b << 13) | (b >>> 19), 5) + 0xe6546b64) | 0;
}
