import {
  type Affine,
  type Backend,
  BnError,
  CONTRACT_VERSION,
  type Dtype,
  type Geometry,
  type HostArray,
  type HostBuffer,
  type Kernels,
  type Moments,
} from "../src/index.ts";

/**
 * A backend in plain loops, whose memory and device can be made to fail. Its results are right to float64's rounding.
 */
export interface PlainBackend extends Backend<HostBuffer> {
  /** How many more calls of `alloc` and `reserve` succeed. All later ones throw `ERR_BN_MEMORY`. */
  allowed: number;
  faults: number;
  /** The number of calls of alloc and reserve so far. */
  readonly asked: number;
  /** The number of live buffers. */
  readonly alive: number;
}

/** The index of each value of channel c. */
function* places({ outer, channels, inner }: Geometry, c: number): Generator<number> {
  for (let o = 0; o < outer; o++) for (let i = 0; i < inner; i++) yield (o * channels + c) * inner + i;
}

function sumOver(g: Geometry, c: number, term: (k: number) => number): number {
  let sum = 0;
  for (const k of places(g, c)) sum += term(k);
  return sum;
}

function scaleOf(stats: Moments<HostBuffer>, eps: number, affine: Affine<HostBuffer> | null, c: number) {
  const r = 1 / Math.sqrt(stats.variance.view[c]! + eps);
  return { mean: stats.mean.view[c]!, r, s: affine ? r * affine.gamma.view[c]! : r, b: affine?.beta?.view[c] ?? 0 };
}

const kernels: Kernels<HostBuffer> = {
  moments(x, g, { mean, variance }) {
    const m = g.outer * g.inner;
    for (let c = 0; c < g.channels; c++) {
      const mu = sumOver(g, c, (k) => x.view[k]!) / m;
      mean.view[c] = mu;
      variance.view[c] = sumOver(g, c, (k) => (x.view[k]! - mu) ** 2) / m;
    }
  },
  splitMoments(x, g, { mean, meanLow, m2 }) {
    for (let c = 0; c < g.channels; c++) {
      const mu = sumOver(g, c, (k) => x.view[k]!) / (g.outer * g.inner);
      mean.view[c] = mu;
      meanLow.view[c] = mu - mean.view[c]!;
      m2.view[c] = sumOver(g, c, (k) => (x.view[k]! - mu) ** 2);
    }
  },
  normalize(x, g, stats, eps, affine, y) {
    for (let c = 0; c < g.channels; c++) {
      const { mean, s, b } = scaleOf(stats, eps, affine, c);
      for (const k of places(g, c)) y.view[k] = (x.view[k]! - mean) * s + b;
    }
  },
  gradSums(dy, x, g, stats, eps, sums, grad) {
    for (let c = 0; c < g.channels; c++) {
      const { mean, r } = scaleOf(stats, eps, null, c);
      sums.dy.view[c] = sumOver(g, c, (k) => dy.view[k]!);
      sums.dyXhat.view[c] = sumOver(g, c, (k) => dy.view[k]! * (x.view[k]! - mean) * r);
      if (grad) grad.gamma.view[c]! += sums.dyXhat.view[c]!;
      if (grad?.beta) grad.beta.view[c]! += sums.dy.view[c]!;
    }
  },
  gradNormalize(dy, x, g, stats, eps, affine, sums, m, dx) {
    for (let c = 0; c < g.channels; c++) {
      const { mean, r, s } = scaleOf(stats, eps, affine, c);
      const [a, b] = sums ? [sums.dy.view[c]! / m, sums.dyXhat.view[c]! / m] : [0, 0];
      for (const k of places(g, c)) dx.view[k] = (dy.view[k]! - a - (sums ? (x.view[k]! - mean) * r * b : 0)) * s;
    }
  },
  scale(x, g, { gamma, beta }, y) {
    for (let c = 0; c < g.channels; c++) {
      for (const k of places(g, c)) y.view[k] = x.view[k]! * gamma.view[c]! + (beta ? beta.view[c]! : 0);
    }
  },
  scaleSums(dy, x, g, dGamma, dBeta) {
    for (let c = 0; c < g.channels; c++) {
      if (dGamma) dGamma.view[c]! += sumOver(g, c, (k) => dy.view[k]! * x.view[k]!);
      if (dBeta) dBeta.view[c]! += sumOver(g, c, (k) => dy.view[k]!);
    }
  },
  movingAverage(channels, stats, { running, fraction, correction }) {
    running.factor.view[0] = running.factor.view[0]! * fraction + 1;
    for (let c = 0; c < channels; c++) {
      running.mean.view[c] = running.mean.view[c]! * fraction + stats.mean.view[c]!;
      running.variance.view[c] = running.variance.view[c]! * fraction + stats.variance.view[c]! * correction;
    }
  },
  globalStats(channels, { mean, variance, factor }, stats) {
    const s = factor.view[0] === 0 ? 0 : 1 / factor.view[0]!;
    for (let c = 0; c < channels; c++) {
      stats.mean.view[c] = mean.view[c]! * s;
      stats.variance.view[c] = variance.view[c]! * s;
    }
  },
  copy: (length, x, y) => y.view.set(x.view.subarray(0, length)),
  fill: (length, value, y) => void y.view.fill(value, 0, length),
};

export function createPlain(dtypes: readonly Dtype[] = ["float32", "float64"]): PlainBackend {
  const made = new WeakSet<object>();
  const alive = new Set<unknown>();
  let asked = 0;
  let disposed = false;
  const ask = () => {
    asked++;
    if (backend.allowed-- <= 0) throw new BnError("ERR_BN_MEMORY", "plain alloc: no memory left");
  };
  const owned = (buffer: HostBuffer): HostArray => {
    if (alive.has(buffer)) return buffer.view;
    const gone = typeof buffer === "object" && buffer !== null && made.has(buffer);
    throw new BnError(gone ? "ERR_BN_DISPOSED" : "ERR_BN_BACKEND", "plain: no live buffer of this backend");
  };
  const dispose = async () => {
    disposed = true;
    alive.clear();
  };
  const backend: PlainBackend = {
    name: "plain",
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
    allowed: Number.POSITIVE_INFINITY,
    faults: 0,
    get asked() {
      return asked;
    },
    get alive() {
      return alive.size;
    },
    get disposed() {
      return disposed;
    },
    alloc(dtype, length) {
      ask();
      const view = dtype === "float32" ? new Float32Array(length) : new Float64Array(length);
      const free = () => void alive.delete(buffer);
      const buffer: HostBuffer = { dtype, length, view, dispose: free, [Symbol.dispose]: free };
      made.add(buffer);
      alive.add(buffer);
      return buffer;
    },
    reserve: ask,
    owns: (buffer: unknown): buffer is HostBuffer => alive.has(buffer),
    write: (target, source) => owned(target).set(source),
    read(source, length) {
      const copy = owned(source).slice(0, length);
      return Promise.resolve(copy);
    },
    finish: async () => {},
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
  return backend;
}
