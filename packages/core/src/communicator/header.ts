/**
 * The number of doubles in a header. It holds small whole numbers only, so that any transport of doubles keeps them.
 */
export const HEADER_LENGTH = 64;

const VERSION = 1;
const TEXT = 5;
/** UTF-16 code units per double: 48 bits of its 53. */
const UNITS = 3;
const ROOM = (HEADER_LENGTH - TEXT) * UNITS;

/**
 * Writes [version, number of the call, number of values, hash of the tag, its length, the beginning of the tag] to the
 * start of `header`. The hash covers the whole tag, so that long tags are told apart too. The text is for messages.
 */
export function writeHeader(header: Float64Array, tag: string, values: number, call: number): void {
  header.fill(0, 0, HEADER_LENGTH);
  header[0] = VERSION;
  header[1] = call;
  header[2] = values;
  header[4] = tag.length;
  let hash = 0x811c9dc5;
  let word = 0;
  for (let i = 0; i < tag.length; i++) {
    const unit = tag.charCodeAt(i);
    hash = Math.imul(hash ^ unit, 0x01000193);
    if (i >= ROOM) continue;
    word = word * 0x10000 + unit;
    if (i % UNITS !== UNITS - 1) continue;
    header[TEXT + (i - (UNITS - 1)) / UNITS] = word;
    word = 0;
  }
  const rest = Math.min(tag.length, ROOM) % UNITS;
  if (rest !== 0) header[TEXT + Math.floor(tag.length / UNITS)] = word;
  header[3] = hash >>> 0;
}

/** The content of a rank's header. */
export interface Header {
  readonly version: number;
  readonly call: number;
  readonly values: number;
  readonly tag: string;
}

/** Reads the header that begins at `start` of `headers`. */
export function readHeader(headers: Float64Array, start: number): Header {
  const at = (i: number) => headers[start + i] as number;
  const length = at(4);
  const shown = Math.min(length, ROOM);
  let tag = "";
  for (let first = 0; first < shown; first += UNITS) {
    const units = Math.min(UNITS, shown - first);
    const word = at(TEXT + first / UNITS);
    for (let i = units - 1; i >= 0; i--) tag += String.fromCharCode(Math.floor(word / 0x10000 ** i) % 0x10000);
  }
  return { version: at(0), call: at(1), values: at(2), tag: length > shown ? `${tag}...` : tag };
}
