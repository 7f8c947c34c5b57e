import { roundTo } from "../graph/narrow.ts";
import { isNormRecord, type NormRecord, quotients } from "../layers/record.ts";
import type { ChannelAffine } from "./affine.ts";
import { type FoldAttempt, type FoldTask, plain, rightFold } from "./task.ts";
import { type FoldedWeights, foldBehind } from "./weights.ts";

/** What somebody who makes it gets. */
export interface Mistake {
  readonly name: string;
  readonly fold: FoldedWeights;
  /** Of the type that the numbers were rounded to on the way, where that is the mistake. */
  readonly narrow?: { readonly u: number; readonly smallest: number };
}

/** What a fold behind a layer is made of, with everything that can be left out or taken wrongly. */
interface Parts {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  readonly gamma: Float64Array;
  readonly beta: Float64Array;
  readonly eps: number;
}

const NARROW = [
  { type: 10, name: "float16", narrow: { u: 2 ** -11, smallest: 2 ** -25 } },
  { type: 16, name: "bfloat16", narrow: { u: 2 ** -8, smallest: 2 ** -134 } },
];

/** Known mistakes, applied to the task. Only folds of one normalization behind a layer are taken apart. */
export function* mistakes(task: FoldTask, attempt: FoldAttempt, others: readonly NormRecord[]): Generator<Mistake> {
  const right = rightFold(task);
  for (const { type, name, narrow } of NARROW) {
    const held = (values: ArrayLike<number> | null) => {
      const all = Float64Array.from(values ?? []);
      return roundTo(type, all)?.every((value, i) => Object.is(value, all[i])) ?? false;
    };
    if (attempt.u < narrow.u && held(attempt.weights))
      yield { name: `weights were rounded to ${name}`, fold: right, narrow };
  }
  const [step, ...more] = task.steps;
  if (step === undefined || step.norm === null || more.length > 0 || step.side !== "behind") return;
  const { norm } = step;
  const p = partsOf(norm);
  const given = plain(task.bias, task.layout.outputs);
  const fold = (affine: ChannelAffine, bias: Float64Array = given) =>
    foldBehind(task.weights, bias, task.layout, affine);
  const folded = (name: string, parts: Partial<Parts>, gain = gainOf): Mistake => {
    const all = { ...p, ...parts };
    return { name, fold: fold({ mean: all.mean, gain: gain(all), beta: all.beta }) };
  };
  const zeros = new Float64Array(norm.channels);
  const ones = zeros.map(() => 1);
  const weights = Float64Array.from(task.weights);

  yield folded("epsilon was left out of the root", { eps: 0 });
  for (const eps of EPSILONS)
    if (eps !== norm.eps) yield folded(`epsilon ${eps} was used in place of ${norm.eps}`, { eps });
  const guess = guessEps(task, attempt, p);
  if (guess !== null) yield folded(`epsilon ${guess.toPrecision(3)} was used in place of ${norm.eps}`, { eps: guess });
  yield folded("epsilon was added to the root, not under it", {}, ({ gamma, variance, eps }) =>
    gamma.map((value, c) => value / (Math.sqrt(variance[c] as number) + eps)),
  );
  yield folded("the variance was used as a standard deviation", {}, ({ gamma, variance, eps }) =>
    gamma.map((value, c) => value / ((variance[c] as number) + eps)),
  );
  yield folded("the root was multiplied by, not divided by", {}, ({ gamma, variance, eps }) =>
    gamma.map((value, c) => value * Math.sqrt((variance[c] as number) + eps)),
  );
  yield folded("gamma was lost", { gamma: ones });
  yield folded("beta was lost", { beta: zeros });
  yield folded("the mean was lost", { mean: zeros });
  yield folded("the mean was added, not subtracted", { mean: p.mean.map((value) => -value) });
  const gain = gainOf(p);
  const unscaled = right.bias.map((value, o) => value + (given[o] as number) * (1 - (gain[o] as number)));
  yield { name: "the layer's own bias was not scaled", fold: { weights: right.weights, bias: unscaled } };
  yield { name: "the layer's own bias was lost", fold: fold({ ...p, gain }, zeros) };
  if (task.biasFactor !== 1 && task.biasFactor !== 0) {
    yield {
      name: "Gemm's beta was ignored",
      fold: fold(
        { ...p, gain },
        given.map((value) => value / task.biasFactor),
      ),
    };
  }
  yield { name: "the weights were not scaled", fold: { weights, bias: right.bias } };
  yield { name: "the bias was not folded", fold: { weights: right.weights, bias: given } };
  yield { name: "the bias is missing", fold: { weights: right.weights, bias: zeros } };
  yield {
    name: "the normalization was applied twice",
    fold: foldBehind(right.weights, right.bias, task.layout, step.affine),
  };
  const { factor } = norm.statistics;
  if (factor !== 1 && factor !== 0) {
    const times = (values: Float64Array, by: number) => values.map((value) => value * by);
    const both = (by: number) => ({ mean: times(p.mean, by), variance: times(p.variance, by) });
    yield folded(`the factor ${factor} was ignored`, both(factor));
    yield folded(`the factor ${factor} was applied twice`, both(1 / factor));
    yield folded(`the factor ${factor} was applied to the variance alone`, { mean: times(p.mean, factor) });
    yield folded(`the factor ${factor} was applied to the mean alone`, { variance: times(p.variance, factor) });
  }
  yield* movedChannels(task, { mean: p.mean, gain, beta: p.beta });
  for (const other of others) {
    if (other.channels !== norm.channels || other === norm || other.name === norm.name) continue;
    const q = partsOf(other);
    yield folded(`mean and variance are those of "${other.name}"`, { mean: q.mean, variance: q.variance });
    yield folded(`it is the fold of "${other.name}"`, q);
  }
}

/** Epsilons that frameworks have as defaults. */
const EPSILONS = [1e-12, 1e-8, 1e-7, 1e-6, 1e-5, 2e-5, 5e-5, 1e-4, 1e-3, 1e-2].map(Math.fround);

function gainOf({ gamma, variance, eps }: Parts): Float64Array {
  return gamma.map((value, c) => value / Math.sqrt((variance[c] as number) + eps));
}

function partsOf(norm: NormRecord): Parts {
  if (!isNormRecord(norm)) throw new RangeError("a Scale has no statistics");
  const { channels, gamma, beta, eps } = norm;
  const { mean, variance } = quotients(norm);
  const wide = (values: ArrayLike<number> | null, absent: number) =>
    Float64Array.from({ length: channels }, (_, c) => values?.[c] ?? absent);
  return { mean: wide(mean, 0), variance: wide(variance, 0), gamma: wide(gamma, 1), beta: wide(beta, 0), eps };
}

/** The epsilon that the channels' gains say, if they agree on one: the median of (gamma / gain)^2 - variance. */
function guessEps({ weights, layout }: FoldTask, attempt: FoldAttempt, { gamma, variance }: Parts): number | null {
  const [along, squares] = [new Float64Array(layout.outputs), new Float64Array(layout.outputs)];
  for (let i = 0; i < weights.length; i++) {
    const [o, w] = [layout.out(i), weights[i] as number];
    along[o] = (along[o] as number) + w * (attempt.weights[i] as number);
    squares[o] = (squares[o] as number) + w * w;
  }
  const found: number[] = [];
  for (let o = 0; o < layout.outputs; o++) {
    const gain = (along[o] as number) / (squares[o] as number);
    const eps = ((gamma[o] as number) / gain) ** 2 - (variance[o] as number);
    if (Number.isFinite(eps)) found.push(eps);
  }
  found.sort((a, b) => a - b);
  const median = found[found.length >> 1];
  return median !== undefined && median >= 0 ? median : null;
}

/** Statistics that met other channels: shifted, reversed, or with groups and channels of a group exchanged. */
function* movedChannels(task: FoldTask, affine: ChannelAffine): Generator<Mistake> {
  const { outputs } = task.layout;
  const moved = (name: string, from: (o: number) => number): Mistake => {
    const at = (values: Float64Array) => values.map((_, o) => values[from(o)] as number);
    const other = { mean: at(affine.mean), gain: at(affine.gain), beta: at(affine.beta) };
    return { name, fold: foldBehind(task.weights, plain(task.bias, outputs), task.layout, other) };
  };
  for (const by of [1, -1, 2, -2]) {
    if (outputs > Math.abs(by)) yield moved(`channels are shifted by ${by}`, (o) => (o + by + outputs) % outputs);
  }
  if (outputs > 2) yield moved("channels are reversed", (o) => outputs - 1 - o);
  for (let groups = 2; groups <= outputs / 2; groups++) {
    if (outputs % groups !== 0) continue;
    const each = outputs / groups;
    yield moved(
      `channels of ${groups} groups are exchanged with their groups`,
      (o) => (o % groups) * each + Math.floor(o / groups),
    );
    yield moved(`every group takes the statistics of the first of ${groups}`, (o) => o % each);
  }
}
