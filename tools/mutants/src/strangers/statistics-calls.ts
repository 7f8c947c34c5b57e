import type { HostBuffer } from "@bn/core";
import { type CallFault, fault } from "./call-fault.ts";

/** `globalStats` with another factor. */
const withFactor = (bug: string, change: (factor: number) => number): CallFault =>
  fault("globalStats", bug, (real) => (channels, running, stats) => {
    const { view } = running.factor;
    const before = view.slice();
    view.set(before.map(change));
    real.globalStats(channels, running, stats);
    view.set(before);
  });

export const STATISTICS: readonly CallFault[] = [
  fault("movingAverage", "channels beyond 128 forgotten", (real) => (channels, ...rest) => {
    real.movingAverage(Math.min(channels, 129), ...rest);
  }),
  fault("movingAverage", "a fraction of 0 taken for 0.999", (real) => (channels, stats, average) => {
    real.movingAverage(channels, stats, { ...average, fraction: average.fraction || 0.999 });
  }),
  fault("movingAverage", "the factor kept within 2.5", (real) => (channels, stats, average) => {
    real.movingAverage(channels, stats, average);
    const { view } = average.running.factor;
    view[0] = Math.min(view[0] as number, 2.5);
  }),
  fault("movingAverage", "the correction applied to the old variance too", (real) => (channels, stats, average) => {
    const { variance } = average.running;
    variance.view.set(variance.view.slice(0, channels).map((value) => value * average.correction));
    real.movingAverage(channels, stats, average);
  }),
  withFactor("a factor below 1 taken for 1", (v) => (v > 0 && v < 1 ? 1 : v)),
  withFactor("a negative factor taken for 0", (v) => Math.max(v, 0)),
  fault("globalStats", "channels beyond 255 left", (real) => (channels, running, stats) => {
    real.globalStats(Math.min(channels, 256), running, stats);
  }),
  fault("forward", "no average beyond 64 channels", (real) => (x, g, stats, average, ...rest) => {
    real.forward(x, g, stats, g.channels > 64 ? null : average, ...rest);
  }),
  fault("forward", "the average of the first call alone, in the same buffers", (real) => {
    let last: HostBuffer | null = null;
    return (x, g, stats, average, ...rest) => {
      real.forward(x, g, stats, average?.running.mean === last ? null : average, ...rest);
      last = average?.running.mean ?? null;
    };
  }),
  fault("backward", "sums unwritten where no gradient is asked for", (real) => {
    return (dy, x, g, stats, eps, affine, sums, grad, m, dx) => {
      const before = sums.dy.view.slice();
      real.backward(dy, x, g, stats, eps, affine, sums, grad, m, dx);
      if (!grad) sums.dy.view.set(before);
    };
  }),
];
