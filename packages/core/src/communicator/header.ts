/**
 * The number of doubles in a header. It holds small whole numbers only, so that any transport of doubles keeps them.
 */
export const HEADER_LENGTH = 6;

const VERSION = 2;

/**
 * Writes [version, number of the call, number of values, length of the tag, two hashes of it] to the start of `header`.
 * The tags themselves are exchanged only where headers differ (tag-text.ts).
 */
export function writeHeader(header: Float64Array, tag: string, values: number, call: number): void {
  const { length } = tag;
  let a = 0x811c9dc5 | 0; // an integer to the compiler
  let b = length | 0;
  for (let i = 0; i < length; i++) {
    const unit = tag.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ (b >>> 15) ^ unit, 0x85ebca6b);
  }
  header[0] = VERSION;
  header[1] = call;
  header[2] = values;
  header[3] = length;
  header[4] = a >>> 0;
  header[5] = b >>> 0;
}

/** The content of a rank's header. */
export interface Header {
  readonly version: number;
  readonly call: number;
  readonly values: number;
  /** UTF-16 code units of its tag. */
  readonly length: number;
}

/** Reads the header that begins at `start` of `headers`. */
export function readHeader(headers: Float64Array, start: number): Header {
  const at = (i: number) => headers[start + i] as number;
  return { version: at(0), call: at(1), values: at(2), length: at(3) };
}
