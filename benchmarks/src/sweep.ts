import type { Dtype } from "@bn/core";
import type { Job, Kernel } from "./jobs.ts";

/** One plot of the sweep: the quantity along its axis, and the geometry for each value. */
export interface Panel {
  readonly title: string;
  readonly values: readonly number[];
  geometry(value: number): readonly [outer: number, channels: number, inner: number];
}

const SWEPT = ["moments", "normalize", "forward", "gradSums", "gradNormalize", "backward"] as const;

/** The number of elements of every tensor in the first three plots: 1 MB of float32. */
const ELEMENTS = 2 ** 18;
const powers = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => 2 ** (from + i * step));
const outerFor = (perRow: number) => Math.max(1, Math.round(ELEMENTS / perRow));

/** Rows and channels from 1 to 4096, and tensors from 1 kB to 256 MB. */
export const PANELS: readonly Panel[] = [
  {
    title: "Elements per row (inner), 64 channels, 2^18 elements",
    values: [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 25, 32, 49, 64, 100, 128, 196, 256, 400, 512, 784, 1024, 2048, 4096],
    geometry: (inner) => [outerFor(64 * inner), 64, inner],
  },
  {
    title: "Channels, channels-last (inner = 1), 2^18 elements",
    values: [1, 2, 3, 4, 8, 10, 16, 24, 32, 48, 64, 100, 128, 192, 256, 384, 512, 768, 1000, 1024, 2048, 3072, 4096],
    geometry: (channels) => [outerFor(channels), channels, 1],
  },
  {
    title: "Channels, rows of 7 x 7, 2^18 elements",
    values: [1, 3, 8, 16, 32, 64, 100, 128, 256, 512, 1000, 1024, 2048, 4096],
    geometry: (channels) => [outerFor(49 * channels), channels, 49],
  },
  {
    title: "Elements, 16 channels of 8 rows",
    values: powers(8, 26),
    geometry: (elements) => [8, 16, elements / 128],
  },
];

/** The jobs of a plot, value by value. */
export function jobsOf(panel: Panel, dtype: Dtype): { readonly value: number; readonly job: Job }[] {
  return panel.values.flatMap((value) =>
    SWEPT.map((kernel: Kernel) => ({
      value,
      job: { op: `kernel ${kernel}` as const, shape: panel.geometry(value), axis: 1, dtype },
    })),
  );
}
