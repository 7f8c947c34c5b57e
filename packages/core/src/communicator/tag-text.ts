/** The number of doubles that hold the beginning of a tag, for messages. */
export const TEXT_LENGTH = 59;

/** UTF-16 code units per double: 48 bits of its 53. */
const UNITS = 3;
const ROOM = TEXT_LENGTH * UNITS;

/** Returns the beginning of `tag` as small whole numbers, which any transport of doubles keeps. */
export function writeText(tag: string): Float64Array {
  const text = new Float64Array(TEXT_LENGTH);
  for (let i = 0; i < Math.min(tag.length, ROOM); i++) {
    const at = Math.floor(i / UNITS);
    text[at] = (text[at] as number) + tag.charCodeAt(i) * 0x10000 ** (i % UNITS);
  }
  return text;
}

/** Reads the text at `start` of `texts`, of a tag of `length` code units. */
export function readText(texts: Float64Array, start: number, length: number): string {
  const shown = Math.min(length, ROOM);
  const units = Array.from({ length: shown }, (_, i) => {
    const word = texts[start + Math.floor(i / UNITS)] as number;
    return Math.floor(word / 0x10000 ** (i % UNITS)) % 0x10000;
  });
  return String.fromCharCode(...units) + (length > shown ? "..." : "");
}
