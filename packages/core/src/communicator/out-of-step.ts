import { HEADER_LENGTH, type Header, readHeader } from "./header.ts";
import { readText, TEXT_LENGTH, writeText } from "./tag-text.ts";

/** The first rank whose header differs from that of rank 0, or -1. The headers lie `stride` apart. */
export function differs(headers: Float64Array, size: number, stride: number): number {
  for (let rank = 1; rank < size; rank++) {
    for (let i = 0; i < HEADER_LENGTH; i++) if (headers[rank * stride + i] !== headers[i]) return rank;
  }
  return -1;
}

/**
 * Describes how the header of `rank` differs from that of rank 0. The text is the same on every rank. All ranks have seen
 * the same headers, so all of them call this function and exchange their tags with `exchange`.
 */
export function difference(
  headers: Float64Array,
  size: number,
  stride: number,
  rank: number,
  tag: string,
  exchange: (values: Float64Array, all: Float64Array) => void,
): string {
  const [first, other] = [readHeader(headers, 0), readHeader(headers, rank * stride)];
  if (first.version !== other.version) {
    return `rank 0 sends headers of version ${first.version}, rank ${rank} of version ${other.version}; install the same version of @bn on all ranks`;
  }
  const texts = new Float64Array(size * TEXT_LENGTH);
  exchange(writeText(tag), texts);
  const tags = [readText(texts, 0, first.length), readText(texts, rank * TEXT_LENGTH, other.length)] as const;
  return textOf(rank, first, other, tags);
}

function textOf(rank: number, first: Header, other: Header, [tag, otherTag]: readonly [string, string]): string {
  const cure = "make the same calls in the same order on every rank";
  if (tag !== otherTag) return `ranks are out of step: rank 0 is at ${tag}, rank ${rank} at ${otherTag}; ${cure}`;
  if (first.values !== other.values) {
    return `ranks are out of step at ${tag}: rank 0 has ${first.values} values, rank ${rank} ${other.values}; pass the same number on every rank`;
  }
  if (first.call !== other.call) {
    return `ranks are out of step at ${tag}: it is exchange ${first.call} of rank 0 and ${other.call} of rank ${rank}; ${cure}`;
  }
  return `ranks are out of step: their tags begin with ${tag} and differ later; ${cure}`;
}
