import type { Geometry } from "@bn/core";

export const geometry = (outer: number, channels: number, inner: number): Geometry => ({ outer, channels, inner });

/** Sizes around vector widths, workgroups and cache lines. Channels-last has inner = 1. */
export const GEOMETRIES: readonly Geometry[] = [
  geometry(1, 1, 1),
  geometry(2, 3, 5),
  geometry(5, 2, 3),
  geometry(1, 5, 1),
  geometry(1, 4, 49),
  geometry(8, 3, 49),
  geometry(3, 2, 63),
  geometry(3, 2, 64),
  geometry(3, 2, 65),
  geometry(2, 3, 255),
  geometry(2, 3, 256),
  geometry(2, 3, 257),
  geometry(97, 1, 1),
  geometry(31, 3, 1),
  geometry(33, 64, 1),
  geometry(5, 257, 1),
];

/** A few of them, for runs that must take seconds. The covering array has the rest. */
export const FEW_GEOMETRIES: readonly Geometry[] = [
  geometry(2, 3, 5),
  geometry(5, 2, 3),
  geometry(8, 3, 49),
  geometry(5, 257, 1),
];

/** More channels than one dimension of a WebGPU dispatch can hold (65,535). */
export const WIDE = geometry(2, 65_539, 1);
/** A long channel with an odd number of values, which reveals plain and unshifted sums. */
export const LONG = geometry(3, 1, 2 ** 17 + 1);

export function geometryText({ outer, channels, inner }: Geometry): string {
  return `${outer}x${channels}x${inner}`;
}
