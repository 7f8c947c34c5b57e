import type { Geometry } from "@bn/core";
import { type Call, givenLeaves, type KernelName, sizeOf } from "./call.ts";

/**
 * The formulas of the kernels in float64, with one function for each place where a mistake is possible. `RIGHT` has the
 * functions of docs/spec.md, and a mistake replaces one of them. The result of a wrong backend is compared with the
 * result of each.
 */
export interface Formulas {
  /** The index in a tensor of value (o, k) of channel c. */
  index(g: Geometry, o: number, c: number, k: number): number;
  /** Whether a sum includes this value, and a map writes it. */
  covers(g: Geometry, o: number, c: number, k: number): boolean;
  /** The number of channels that are written. */
  width(g: Geometry): number;
  /** The channel whose statistics and parameters channel c uses. */
  channel(g: Geometry, c: number): number;
  accumulate(total: number, term: number): number;
  /** The number that the moments are divided by. */
  count(g: Geometry): number;
  mean(sum: number, m: number): number;
  /** The value that is subtracted before squaring, and in x^. */
  center(mean: number): number;
  variance(squares: number, m: number): number;
  r(variance: number, eps: number): number;
  y(xhat: number, gamma: number, beta: number, x: number, mean: number, r: number): number;
  scaled(x: number, gamma: number, beta: number): number;
  /** The factor of dy in sum dy * x^. */
  weight(xhat: number, x: number, r: number): number;
  /** The stored form of a sum of gradients: [sum dy, sum dy x^]. */
  sums(dy: number, dyXhat: number, m: number): readonly [number, number];
  dx(dy: number, a: number, b: number, xhat: number, r: number, gamma: number, m: number): number;
  /** The contents of an output that held `prior` and should hold `value`. */
  write(prior: number, value: number, path: string): number;
  /** The contents of an output that held `prior` after `value` is added. */
  add(prior: number, value: number, path: string): number;
  average(fraction: number, old: number, value: number, of: "mean" | "variance"): number;
  corrected(variance: number, correction: number): number;
  factor(fraction: number, old: number): number;
  /** Running sums divided by their factor. */
  divided(sum: number, factor: number): number;
  /** A last rounding of every value that is stored. */
  store(value: number): number;
}

export const RIGHT: Formulas = {
  index: (g, o, c, k) => (o * g.channels + c) * g.inner + k,
  covers: () => true,
  width: (g) => g.channels,
  channel: (_, c) => c,
  accumulate: (total, term) => total + term,
  count: (g) => g.outer * g.inner,
  mean: (sum, m) => sum / m,
  center: (mean) => mean,
  variance: (squares, m) => squares / m,
  r: (variance, eps) => 1 / Math.sqrt(variance + eps),
  y: (xhat, gamma, beta) => xhat * gamma + beta,
  scaled: (x, gamma, beta) => x * gamma + beta,
  weight: (xhat) => xhat,
  sums: (dy, dyXhat) => [dy, dyXhat],
  dx: (dy, a, b, xhat, r, gamma, m) => gamma * r * (dy - a / m - (xhat * b) / m),
  write: (_, value) => value,
  add: (prior, value) => prior + value,
  average: (fraction, old, value) => fraction * old + value,
  corrected: (variance, correction) => variance * correction,
  factor: (fraction, old) => fraction * old + 1,
  divided: (sum, factor) => (factor === 0 ? 0 * sum : sum / factor),
  store: (value) => value,
};

export type Outputs = Readonly<Record<string, Float64Array>>;

/** The outputs of a kernel with these formulas, by path. */
export function reference(call: Call, f: Formulas): Outputs {
  const run = new Run(call, f);
  KERNELS[call.kernel](run);
  return run.outputs;
}

type Values = ArrayLike<number>;

class Run {
  readonly outputs: Record<string, Float64Array> = {};
  readonly call: Call;
  readonly f: Formulas;
  readonly g: Geometry;

  constructor(call: Call, f: Formulas) {
    this.call = call;
    this.f = f;
    this.g = call.g;
  }

  has(path: string): boolean {
    return this.call.before.has(path);
  }

  values(path: string): Values {
    return this.outputs[path] ?? this.call.before.get(path) ?? [];
  }

  number(path: string): number {
    return this.call.numbers.get(path) ?? 0;
  }

  /** The sum of `term` per channel, over the values that the formulas cover. */
  sum(term: (i: number, c: number) => number): Float64Array {
    const { g, f } = this;
    const total = new Float64Array(g.channels);
    for (let c = 0; c < g.channels; c++) {
      let sum = 0;
      for (let o = 0; o < g.outer; o++) {
        for (let k = 0; k < g.inner; k++) {
          if (f.covers(g, o, c, k)) sum = f.accumulate(sum, term(f.index(g, o, c, k), c));
        }
      }
      total[c] = sum;
    }
    return total;
  }

  /**
   * Writes `value` of each element that the formulas cover to output `path`. The other elements keep their contents.
   */
  map(path: string, value: (i: number, c: number) => number): void {
    const { g, f } = this;
    const prior = Float64Array.from(this.call.before.get(path) ?? []);
    const out = prior.slice(0, sizeOf(g, "tensor"));
    for (let o = 0; o < g.outer; o++) {
      for (let c = 0; c < g.channels; c++) {
        for (let k = 0; k < g.inner; k++) {
          if (c >= f.width(g) || !f.covers(g, o, c, k)) continue;
          const i = f.index(g, o, c, k);
          out[i] = f.store(f.write(prior[i] ?? 0, value(i, c), path));
        }
      }
    }
    this.outputs[path] = out;
  }

  /** Writes one value per channel. */
  set(path: string, value: (c: number) => number, how: "write" | "add" = "write"): void {
    if (!this.has(path)) return;
    const leaf = givenLeaves(this.call).find((one) => one.path === path);
    const prior = Float64Array.from(this.call.before.get(path) ?? []);
    const out = prior.slice(0, sizeOf(this.g, leaf?.size ?? "channels"));
    const width = Math.min(out.length, Math.max(this.f.width(this.g), leaf?.size === "one" ? 1 : 0));
    for (let c = 0; c < width; c++) out[c] = this.f.store(this.f[how](prior[c] as number, value(c), path));
    this.outputs[path] = out;
  }

  /** The statistics and parameters of channel c, for the maps. */
  of(c: number) {
    const { f, g } = this;
    const at = f.channel(g, c);
    const mean = this.values("stats.mean")[at] ?? Number.NaN;
    const r = f.r(this.values("stats.variance")[at] ?? Number.NaN, this.number("eps"));
    const gamma = this.has("affine.gamma") ? (this.values("affine.gamma")[at] ?? Number.NaN) : 1;
    const beta = this.has("affine.beta") ? (this.values("affine.beta")[at] ?? Number.NaN) : 0;
    return { mean, r, gamma, beta };
  }
}

function moments(run: Run, prefix: string): void {
  const { f, g } = run;
  const x = run.values("x");
  const m = f.count(g);
  const means = run.sum((i) => x[i] as number).map((sum) => f.mean(sum, m));
  const squares = run.sum((i, c) => ((x[i] as number) - f.center(means[c] as number)) ** 2);
  run.set(`${prefix}.mean`, (c) => means[c] as number);
  run.set(`${prefix}.m2`, (c) => f.variance(squares[c] as number, m) * g.outer * g.inner);
  run.set(`${prefix}.variance`, (c) => f.variance(squares[c] as number, m));
}

function normalize(run: Run): void {
  const { f } = run;
  const x = run.values("x");
  run.map("y", (i, c) => {
    const { mean, r, gamma, beta } = run.of(c);
    const value = x[i] as number;
    return f.y((value - f.center(mean)) * r, gamma, beta, value, mean, r);
  });
}

function gradSums(run: Run): void {
  const { f, g } = run;
  const [dy, x] = [run.values("dy"), run.values("x")];
  const sumDy = run.sum((i) => dy[i] as number);
  const sumDyXhat = run.sum((i, c) => {
    const { mean, r } = run.of(c);
    const value = x[i] as number;
    return (dy[i] as number) * f.weight((value - f.center(mean)) * r, value, r);
  });
  const m = g.outer * g.inner;
  const stored = (c: number) => f.sums(sumDy[c] as number, sumDyXhat[c] as number, m);
  run.set("sums.dy", (c) => stored(c)[0]);
  run.set("sums.dyXhat", (c) => stored(c)[1]);
  run.set("grad.gamma", (c) => stored(c)[1], "add");
  run.set("grad.beta", (c) => stored(c)[0], "add");
}

function gradNormalize(run: Run): void {
  const { f } = run;
  const [dy, x, m] = [run.values("dy"), run.values("x"), run.number("m")];
  const [a, b] = [run.values("sums.dy"), run.values("sums.dyXhat")];
  run.map("dx", (i, c) => {
    const { mean, r, gamma } = run.of(c);
    if (!run.has("sums.dy")) return f.dx(dy[i] as number, 0, 0, 0, r, gamma, 1);
    const xhat = ((x[i] as number) - f.center(mean)) * r;
    const at = f.channel(run.g, c);
    return f.dx(dy[i] as number, a[at] ?? Number.NaN, b[at] ?? Number.NaN, xhat, r, gamma, m);
  });
}

function movingAverage(run: Run): void {
  const { f } = run;
  if (!run.has("average.running.mean")) return;
  const [fraction, correction] = [run.number("average.fraction"), run.number("average.correction")];
  const step = (of: "mean" | "variance", value: (c: number) => number) => {
    const path = `average.running.${of}`;
    const old = run.values(path);
    run.set(path, (c) => f.average(fraction, old[c] as number, value(c), of));
  };
  step("mean", (c) => run.values("stats.mean")[c] as number);
  step("variance", (c) => f.corrected(run.values("stats.variance")[c] as number, correction));
  const old = run.values("average.running.factor")[0] as number;
  run.set("average.running.factor", () => f.factor(fraction, old));
}

const KERNELS: Readonly<Record<KernelName, (run: Run) => void>> = {
  moments: (run) => moments(run, "out"),
  splitMoments: (run) => moments(run, "out"),
  normalize,
  gradSums,
  gradNormalize,
  forward(run) {
    moments(run, "stats");
    movingAverage(run);
    normalize(run);
  },
  backward(run) {
    gradSums(run);
    gradNormalize(run);
  },
  scale(run) {
    const x = run.values("x");
    run.map("y", (i, c) => {
      const at = run.f.channel(run.g, c);
      const beta = run.has("affine.beta") ? (run.values("affine.beta")[at] as number) : 0;
      return run.f.scaled(x[i] as number, run.values("affine.gamma")[at] as number, beta);
    });
  },
  scaleSums(run) {
    const [dy, x] = [run.values("dy"), run.values("x")];
    const dGamma = run.sum((i) => (dy[i] as number) * (x[i] as number));
    const dBeta = run.sum((i) => dy[i] as number);
    const m = run.g.outer * run.g.inner;
    run.set("dGamma", (c) => run.f.sums(dBeta[c] as number, dGamma[c] as number, m)[1], "add");
    run.set("dBeta", (c) => run.f.sums(dBeta[c] as number, dGamma[c] as number, m)[0], "add");
  },
  movingAverage,
  globalStats(run) {
    const factor = run.values("running.factor")[0] as number;
    for (const key of ["mean", "variance"]) {
      const sums = run.values(`running.${key}`);
      run.set(`stats.${key}`, (c) => run.f.divided(sums[c] as number, factor));
    }
  },
  copy(run) {
    const x = run.values("x");
    run.set("y", (c) => x[c] as number);
  },
  fill: (run) => run.set("y", () => run.number("value")),
};
