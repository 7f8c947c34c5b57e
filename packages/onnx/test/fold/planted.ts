import type { FoldAttempt, FoldTask } from "../../src/index.ts";

/** The parameters of a normalization, in float64. */
export interface Numbers {
  readonly gamma: readonly number[];
  readonly beta: readonly number[];
  readonly mean: readonly number[];
  readonly variance: readonly number[];
  readonly eps: number;
}

/** A fold with a possible mistake, for a convolution's weights [outputs][...], written as a user would write it. */
interface Wrong {
  readonly weights: readonly number[];
  readonly bias: readonly number[];
}

interface Layer {
  readonly weights: readonly number[];
  readonly bias: readonly number[];
  readonly n: Numbers;
}

const scaled = ({ weights }: Layer, gain: readonly number[]) => {
  const per = weights.length / gain.length;
  return weights.map((w, i) => w * (gain[Math.floor(i / per)] as number));
};
const each = (n: Numbers, to: (c: number) => number) => n.gamma.map((_, c) => to(c));
const rsqrt = (n: Numbers, eps = n.eps) => n.variance.map((v) => 1 / Math.sqrt(v + eps));
const times = (n: Numbers, by: readonly number[]) => each(n, (c) => n.gamma[c]! * by[c]!);
const moved = (values: readonly number[], from: (c: number) => number) => values.map((_, c) => values[from(c)]!);

/** The usual fold, with parts that can be replaced. */
function fold(
  layer: Layer,
  gain: readonly number[],
  { mean = layer.n.mean, beta = layer.n.beta, bias = layer.bias } = {},
): Wrong {
  return { weights: scaled(layer, gain), bias: gain.map((g, c) => (bias[c]! - mean[c]!) * g + beta[c]!) };
}

const right = (n: Numbers) => times(n, rsqrt(n));

/** Every known mistake of one normalization after a convolution, with the words that must describe it. */
export const PLANTED: readonly { readonly words: RegExp; readonly needsBias?: boolean; make(layer: Layer): Wrong }[] = [
  { words: /epsilon was left out of the root/, make: (l) => fold(l, times(l.n, rsqrt(l.n, 0))) },
  {
    words: /epsilon 0\.0009\S* was used in place|epsilon 0\.001\S* was used in place/,
    make: (l) => fold(l, times(l.n, rsqrt(l.n, 1e-3))),
  },
  { words: /epsilon 0\.0123 was used in place/, make: (l) => fold(l, times(l.n, rsqrt(l.n, 0.0123))) },
  {
    words: /the variance was used as a standard deviation/,
    make: (l) =>
      fold(
        l,
        each(l.n, (c) => l.n.gamma[c]! / (l.n.variance[c]! + l.n.eps)),
      ),
  },
  {
    words: /the root was multiplied by/,
    make: (l) =>
      fold(
        l,
        each(l.n, (c) => l.n.gamma[c]! * Math.sqrt(l.n.variance[c]! + l.n.eps)),
      ),
  },
  { words: /gamma was lost/, make: (l) => fold(l, rsqrt(l.n)) },
  { words: /beta was lost/, make: (l) => fold(l, right(l.n), { beta: each(l.n, () => 0) }) },
  { words: /the mean was lost/, make: (l) => fold(l, right(l.n), { mean: each(l.n, () => 0) }) },
  { words: /the mean was added, not subtracted/, make: (l) => fold(l, right(l.n), { mean: l.n.mean.map((m) => -m) }) },
  {
    words: /the mean was not scaled/,
    make: (l) => ({
      weights: scaled(l, right(l.n)),
      bias: each(l.n, (c) => l.bias[c]! * right(l.n)[c]! - l.n.mean[c]! + l.n.beta[c]!),
    }),
  },
  {
    words: /own bias was not scaled/,
    needsBias: true,
    make: (l) => ({
      weights: scaled(l, right(l.n)),
      bias: each(l.n, (c) => l.bias[c]! - l.n.mean[c]! * right(l.n)[c]! + l.n.beta[c]!),
    }),
  },
  { words: /own bias was lost/, needsBias: true, make: (l) => fold(l, right(l.n), { bias: each(l.n, () => 0) }) },
  { words: /the weights were not scaled/, make: (l) => ({ weights: l.weights, bias: fold(l, right(l.n)).bias }) },
  {
    words: /the bias is missing|the bias was not folded/,
    make: (l) => ({ weights: scaled(l, right(l.n)), bias: each(l.n, () => 0) }),
  },
  {
    words: /was applied twice/,
    make: (l) => {
      const once = fold(l, right(l.n));
      return fold({ ...l, ...once }, right(l.n));
    },
  },
  ...[1, 3].map((by) => ({
    words: new RegExp(`channels are shifted by ${by}`),
    make: (l: Layer) => {
      const from = (c: number) => (c + by) % l.n.gamma.length;
      return fold(l, moved(right(l.n), from), { mean: moved(l.n.mean, from), beta: moved(l.n.beta, from) });
    },
  })),
  {
    words: /channels are reversed/,
    make: (l) => {
      const from = (c: number) => l.n.gamma.length - 1 - c;
      return fold(l, moved(right(l.n), from), { mean: moved(l.n.mean, from), beta: moved(l.n.beta, from) });
    },
  },
  {
    words: /channels of 2 groups are exchanged with their groups/,
    make: (l) => {
      const half = l.n.gamma.length / 2;
      const from = (c: number) => (c % 2) * half + Math.floor(c / 2);
      return fold(l, moved(right(l.n), from), { mean: moved(l.n.mean, from), beta: moved(l.n.beta, from) });
    },
  },
  {
    words: /every group takes the statistics of the first of 2, in the weights alone/,
    make: (l) => ({
      weights: scaled(
        l,
        moved(right(l.n), (c) => c % (l.n.gamma.length / 2)),
      ),
      bias: fold(l, right(l.n)).bias,
    }),
  },
];

/** The numbers of the only normalization after a layer; null for another kind of fold. */
export function layerOf(task: FoldTask): Layer | null {
  const [step] = task.steps;
  if (task.steps.length !== 1 || step?.side !== "behind" || !step.norm || task.layout.outputs % 2 !== 0) return null;
  const { statistics, gamma, beta, eps, channels, dtype } = step.norm;
  const inverse = dtype === "float32" ? Math.fround(1 / statistics.factor) : 1 / statistics.factor;
  const wide = (values: ArrayLike<number> | null, absent: number) =>
    Array.from({ length: channels }, (_, c) => values?.[c] ?? absent);
  const divided = (values: ArrayLike<number>) =>
    Array.from(values, (value) => (dtype === "float32" ? Math.fround(value * inverse) : value * inverse));
  const n = {
    gamma: wide(gamma, 1),
    beta: wide(beta, 0),
    mean: divided(statistics.mean),
    variance: divided(statistics.variance),
    eps,
  };
  return { n, weights: Array.from(task.weights), bias: wide(task.bias, 0) };
}

/** The attempt after rounding to float32. */
export function attemptOf(task: FoldTask, { weights, bias }: Wrong): FoldAttempt & { dims: readonly number[] } {
  const dims = task.dims;
  return {
    label: task.label,
    dims,
    weights: weights.map(Math.fround),
    bias: bias.map(Math.fround),
    u: 2 ** -24,
    smallest: 2 ** -150,
  };
}
