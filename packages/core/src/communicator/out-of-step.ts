import { HEADER_LENGTH, type Header, readHeader } from "./header.ts";

/**
 * Describes how the headers of the ranks differ. The headers lie `stride` apart, and the text is the same on every
 * rank. Null if they are equal.
 */
export function differenceOf(headers: Float64Array, size: number, stride: number): string | null {
  for (let rank = 1; rank < size; rank++) {
    for (let i = 0; i < HEADER_LENGTH; i++) {
      if (headers[rank * stride + i] === headers[i]) continue;
      return textOf(rank, readHeader(headers, 0), readHeader(headers, rank * stride));
    }
  }
  return null;
}

function textOf(rank: number, first: Header, other: Header): string {
  if (first.version !== other.version) {
    return `rank 0 sends headers of version ${first.version}, rank ${rank} of version ${other.version}; install one version of @bn on all ranks`;
  }
  const cure = "make the same calls in the same order on every rank";
  if (first.tag !== other.tag)
    return `ranks are out of step: rank 0 is at ${first.tag}, rank ${rank} at ${other.tag}; ${cure}`;
  if (first.values !== other.values) {
    return `ranks are out of step at ${first.tag}: rank 0 has ${first.values} values, rank ${rank} ${other.values}; give equally many on every rank`;
  }
  if (first.call !== other.call) {
    return `ranks are out of step at ${first.tag}: it is exchange ${first.call} of rank 0 and ${other.call} of rank ${rank}; ${cure}`;
  }
  return `ranks are out of step: their tags begin with ${first.tag} and differ later; ${cure}`;
}
