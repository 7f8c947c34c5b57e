import type { HostBuffer } from "@bn/core";
import type { CallFault } from "./calls.ts";

const first = (buffer: HostBuffer) => buffer.view[0] as number;

/** `work`, with other values in a buffer that it only reads. */
function having(buffer: HostBuffer, change: (value: number) => number, work: () => void): void {
  const before = buffer.view.slice();
  buffer.view.set(before.map(change));
  work();
  buffer.view.set(before);
}

export const STATISTICS: readonly CallFault[] = [
  {
    bug: "channels beyond 128 forgotten",
    kernel: "movingAverage",
    plant: (real) => ({
      movingAverage: (channels, ...rest) => real.movingAverage(Math.min(channels, 129), ...rest),
    }),
  },
  {
    bug: "a fraction of 0 taken for 0.999",
    kernel: "movingAverage",
    plant: (real) => ({
      movingAverage: (channels, stats, average) =>
        real.movingAverage(channels, stats, { ...average, fraction: average.fraction || 0.999 }),
    }),
  },
  {
    bug: "the factor kept within 2.5",
    kernel: "movingAverage",
    plant: (real) => ({
      movingAverage(channels, stats, average) {
        real.movingAverage(channels, stats, average);
        average.running.factor.view[0] = Math.min(first(average.running.factor), 2.5);
      },
    }),
  },
  {
    bug: "the correction applied to the old variance too",
    kernel: "movingAverage",
    plant: (real) => ({
      movingAverage(channels, stats, average) {
        const { variance } = average.running;
        variance.view.set(variance.view.slice(0, channels).map((value) => value * average.correction));
        real.movingAverage(channels, stats, average);
      },
    }),
  },
  {
    bug: "a factor below 1 taken for 1",
    kernel: "globalStats",
    plant: (real) => ({
      globalStats: (channels, running, stats) =>
        having(
          running.factor,
          (v) => (v > 0 && v < 1 ? 1 : v),
          () => real.globalStats(channels, running, stats),
        ),
    }),
  },
  {
    bug: "a negative factor taken for 0",
    kernel: "globalStats",
    plant: (real) => ({
      globalStats: (channels, running, stats) =>
        having(
          running.factor,
          (v) => Math.max(v, 0),
          () => real.globalStats(channels, running, stats),
        ),
    }),
  },
  {
    bug: "channels beyond 255 left",
    kernel: "globalStats",
    plant: (real) => ({
      globalStats: (channels, running, stats) => real.globalStats(Math.min(channels, 256), running, stats),
    }),
  },
  {
    bug: "no average beyond 64 channels",
    kernel: "forward",
    plant: (real) => ({
      forward: (x, g, stats, average, ...rest) =>
        real.forward?.(x, g, stats, g.channels > 64 ? null : average, ...rest),
    }),
  },
  {
    bug: "the average of the first call alone, in the same buffers",
    kernel: "forward",
    plant(real) {
      let last: HostBuffer | null = null;
      return {
        forward(x, g, stats, average, ...rest) {
          real.forward?.(x, g, stats, average?.running.mean === last ? null : average, ...rest);
          last = average?.running.mean ?? null;
        },
      };
    },
  },
  {
    bug: "sums unwritten where no gradient is asked for",
    kernel: "backward",
    plant: (real) => ({
      backward(dy, x, g, stats, eps, affine, sums, grad, m, dx) {
        const before = sums.dy.view.slice();
        real.backward?.(dy, x, g, stats, eps, affine, sums, grad, m, dx);
        if (!grad) sums.dy.view.set(before);
      },
    }),
  },
];
