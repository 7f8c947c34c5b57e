import type { HostArray, HostBuffer, Kernels, Moments } from "@bn/core";
import { type Affine, type Backend, BnError, CONTRACT_VERSION, type Dtype, type Geometry } from "@bn/core";

/** Memory is a typed array, all zero at first. `alive` holds the buffers that are not disposed; disposing twice does no harm. */
function alloc(alive: Set<unknown>, dtype: Dtype, length: number): HostBuffer {
  const view: HostArray = dtype === "float32" ? new Float32Array(length) : new Float64Array(length);
  const dispose = () => void alive.delete(buffer);
  const buffer: HostBuffer = { dtype, length, view, dispose, [Symbol.dispose]: dispose };
  alive.add(buffer);
  return buffer;
}

/** Index of value i of channel c, 0 <= i < m = outer * inner. */
function at({ channels, inner }: Geometry, c: number, i: number): number {
  const row = Math.floor(i / inner);
  return (row * channels + c) * inner + (i - row * inner);
}

/** Sum of term(from), ..., term(to - 1): runs of 32 joined by a tree, so that errors grow with log2 m (N-1). */
function sum(from: number, to: number, term: (i: number) => number): number {
  if (to - from > 32) {
    const middle = Math.floor((from + to) / 2);
    return sum(from, middle, term) + sum(middle, to, term);
  }
  let total = 0;
  for (let i = from; i < to; i++) total += term(i);
  return total;
}

/** What a map or a sum needs of channel c. */
function channel(stats: Moments<HostBuffer>, eps: number, affine: Affine<HostBuffer> | null, c: number) {
  const r = 1 / Math.sqrt(stats.variance.view[c]! + eps);
  const gamma = affine ? affine.gamma.view[c]! : 1;
  return { mean: stats.mean.view[c]!, r, scale: r * gamma, beta: affine?.beta?.view[c] ?? 0 };
}

const kernels: Kernels<HostBuffer> = {
  moments(x, g, out) {
    const m = g.outer * g.inner;
    for (let c = 0; c < g.channels; c++) {
      const first = x.view[at(g, c, 0)]!;
      const shift = Number.isFinite(first) ? first : 0;
      const mean = shift + sum(0, m, (i) => x.view[at(g, c, i)]! - shift) / m;
      const drift = sum(0, m, (i) => x.view[at(g, c, i)]! - mean); // 0 except for the rounding of mean
      const squares = sum(0, m, (i) => (x.view[at(g, c, i)]! - mean) ** 2);
      out.mean.view[c] = mean;
      out.variance.view[c] = (squares - (drift * drift) / m) / m;
    }
  },

  normalize(x, g, stats, eps, affine, y) {
    for (let c = 0; c < g.channels; c++) {
      const { mean, scale, beta } = channel(stats, eps, affine, c);
      for (let i = 0; i < g.outer * g.inner; i++) {
        const k = at(g, c, i);
        y.view[k] = (x.view[k]! - mean) * scale + beta;
      }
    }
  },

  gradSums(dy, x, g, stats, eps, sums, grad) {
    const m = g.outer * g.inner;
    for (let c = 0; c < g.channels; c++) {
      const { mean, r } = channel(stats, eps, null, c);
      const sumDy = sum(0, m, (i) => dy.view[at(g, c, i)]!);
      const sumDyXhat = sum(0, m, (i) => dy.view[at(g, c, i)]! * ((x.view[at(g, c, i)]! - mean) * r));
      sums.dy.view[c] = sumDy;
      sums.dyXhat.view[c] = sumDyXhat;
      if (grad) grad.gamma.view[c]! += sumDyXhat;
      if (grad?.beta) grad.beta.view[c]! += sumDy;
    }
  },

  gradNormalize(dy, x, g, stats, eps, affine, sums, m, dx) {
    for (let c = 0; c < g.channels; c++) {
      const { mean, r, scale } = channel(stats, eps, affine, c);
      const a = sums ? sums.dy.view[c]! / m : 0;
      const b = sums ? sums.dyXhat.view[c]! / m : 0;
      for (let i = 0; i < g.outer * g.inner; i++) {
        const k = at(g, c, i);
        dx.view[k] = sums ? (dy.view[k]! - a - (x.view[k]! - mean) * r * b) * scale : dy.view[k]! * scale;
      }
    }
  },

  scale(x, g, { gamma, beta }, y) {
    for (let c = 0; c < g.channels; c++) {
      for (let i = 0; i < g.outer * g.inner; i++) {
        const k = at(g, c, i);
        y.view[k] = x.view[k]! * gamma.view[c]! + (beta ? beta.view[c]! : 0);
      }
    }
  },

  scaleSums(dy, x, g, dGamma, dBeta) {
    const m = g.outer * g.inner;
    for (let c = 0; c < g.channels; c++) {
      if (dGamma) dGamma.view[c]! += sum(0, m, (i) => dy.view[at(g, c, i)]! * x.view[at(g, c, i)]!);
      if (dBeta) dBeta.view[c]! += sum(0, m, (i) => dy.view[at(g, c, i)]!);
    }
  },

  movingAverage(channels, stats, { running, fraction, correction }) {
    running.factor.view[0] = running.factor.view[0]! * fraction + 1;
    for (let c = 0; c < channels; c++) {
      running.mean.view[c] = running.mean.view[c]! * fraction + stats.mean.view[c]!;
      running.variance.view[c] = running.variance.view[c]! * fraction + stats.variance.view[c]! * correction;
    }
  },

  globalStats(channels, running, stats) {
    const factor = running.factor.view[0]!;
    const s = factor === 0 ? 0 : 1 / factor;
    for (let c = 0; c < channels; c++) {
      stats.mean.view[c] = running.mean.view[c]! * s;
      stats.variance.view[c] = running.variance.view[c]! * s;
    }
  },

  copy(length, x, y) {
    y.view.set(x.view.subarray(0, length));
  },

  fill(length, value, y) {
    y.view.fill(value, 0, length);
  },
};

export default async function createMine(
  dtypes: readonly Dtype[] = ["float32", "float64"],
): Promise<Backend<HostBuffer>> {
  let disposed = false;
  const alive = new Set<unknown>();
  const owns = (buffer: unknown): buffer is HostBuffer => alive.has(buffer);
  const owned = (buffer: HostBuffer) => {
    if (owns(buffer)) return buffer;
    throw new BnError(
      "ERR_BN_BACKEND",
      "mine: the buffer is not a live one of this backend; pass one from its alloc()",
    );
  };
  const dispose = async () => {
    disposed = true;
    alive.clear();
  };
  return {
    name: "mine",
    contractVersion: CONTRACT_VERSION,
    supports: {
      dtypes,
      hostVisible: true,
      nonFinite: true,
      subnormals: true,
      correctlyRounded: true,
      deterministic: true,
      threads: 1,
      details: {},
    },
    kernels,
    alloc: (dtype, length) => alloc(alive, dtype, length),
    owns,
    write: (target, source) => owned(target).view.set(source),
    read: async (source, length) => owned(source).view.slice(0, length),
    finish: async () => {},
    get disposed() {
      return disposed;
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}
