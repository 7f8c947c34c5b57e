import { isNormRecord, type NormRecord, quotients } from "../layers/record.ts";
import type { ChannelAffine } from "./affine.ts";
import { movedChannels } from "./moved-channels.ts";
import { type FoldAttempt, type FoldStep, type FoldTask, rightFold } from "./task.ts";

/** One map with a mistake. */
export interface Variant {
  readonly id: string;
  readonly name: string;
  readonly affine: ChannelAffine;
  /** The part that was computed with the mistake. The other part is right. */
  readonly part: "all" | "weights" | "bias";
}

/** The values of a normalization, each of which can be left out or be wrong. */
interface Parts {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  readonly gamma: Float64Array;
  readonly beta: Float64Array;
  readonly eps: number;
}

/** Epsilons that frameworks use as defaults. */
const EPSILONS = [1e-12, 1e-8, 1e-7, 1e-6, 1e-5, 2e-5, 5e-5, 1e-4, 1e-3, 1e-2].map(Math.fround);

/** All wrong variants of one step. */
export function* variantsOf(
  step: FoldStep,
  task: FoldTask,
  attempt: FoldAttempt,
  others: readonly NormRecord[],
): Generator<Variant> {
  const gains = fittedGains(step, task, attempt);
  if (step.norm !== null) yield* numbersOf(step.norm, gains, others);
  else yield* constantsOf(step.affine);
  yield* movedChannels(step.affine, step.side === "before" ? task.layout.inputs : task.layout.outputs, gains);
}

function* constantsOf({ mean, gain, beta }: ChannelAffine): Generator<Variant> {
  const made = (id: string, name: string, affine: ChannelAffine): Variant => ({ id, name, affine, part: "all" });
  yield made("negated", "the constants were taken with the other sign", {
    mean: mean.map((m) => -m),
    gain,
    beta: beta.map((b) => -b),
  });
  yield made("inverse", "the constants were divided by, not multiplied with, or the other way round", {
    ...{ mean, gain: gain.map((g) => 1 / g), beta },
  });
}

function* numbersOf(norm: NormRecord, gains: Float64Array, others: readonly NormRecord[]): Generator<Variant> {
  const p = partsOf(norm);
  const made = (id: string, name: string, parts: Partial<Parts>, gain = gainOf): Variant => {
    const all = { ...p, ...parts };
    return { id, name, affine: { mean: all.mean, gain: gain(all), beta: all.beta }, part: "all" };
  };
  const byRoot = (to: (v: number, eps: number) => number) => {
    return ({ gamma, variance, eps }: Parts) => gamma.map((value, c) => value * to(variance[c] as number, eps));
  };
  yield made("eps lost", "epsilon was left out of the root", { eps: 0 });
  for (const eps of EPSILONS) {
    if (eps !== norm.eps) yield made(`eps ${eps}`, `epsilon ${eps} was used in place of ${norm.eps}`, { eps });
  }
  const guess = guessEps(gains, p);
  if (guess !== null)
    yield made("eps", `epsilon ${guess.toPrecision(3)} was used in place of ${norm.eps}`, { eps: guess });
  for (const [id, name, to] of ROOTS) yield made(id, name, {}, byRoot(to));
  for (const [id, name, parts] of LOST) yield made(id, name, parts(p));
  const { factor } = norm.statistics;
  if (factor !== 1 && factor !== 0) {
    const both = (by: number) => ({ mean: p.mean.map((v) => v * by), variance: p.variance.map((v) => v * by) });
    yield made("factor", `the factor ${factor} was ignored`, both(factor));
    yield made("factor twice", `the factor ${factor} was applied twice`, both(1 / factor));
    yield made("factor mean", `the factor ${factor} was applied to the variance alone`, { mean: both(factor).mean });
    const { variance } = both(factor);
    yield made("factor variance", `the factor ${factor} was applied to the mean alone`, { variance });
  }
  for (const [i, other] of others.entries()) {
    if (other.channels !== norm.channels || other === norm || (other.name === norm.name && other.name !== "")) continue;
    const q = partsOf(other);
    yield made(`others ${i}`, `mean and variance are those of "${other.name}"`, { mean: q.mean, variance: q.variance });
    yield made(`fold ${i}`, `it is the fold of "${other.name}"`, q);
  }
}

/** Mistakes in the root: what gamma was multiplied with. */
const ROOTS: readonly (readonly [id: string, name: string, to: (variance: number, eps: number) => number])[] = [
  ["eps outside", "epsilon was added to the root, not under it", (v, eps) => 1 / (Math.sqrt(v) + eps)],
  ["variance", "the variance was used as a standard deviation", (v, eps) => 1 / (v + eps)],
  ["no eps, variance", "the variance was used as a standard deviation, without epsilon", (v) => 1 / v],
  ["deviation", "the standard deviation was used as a variance", (v, eps) => 1 / Math.sqrt(Math.sqrt(v) + eps)],
  ["times root", "the root was multiplied by, not divided by", (v, eps) => Math.sqrt(v + eps)],
  ["no variance", "the variance was lost", () => 1],
];

const zeros = (like: Float64Array) => like.map(() => 0);
const ones = (like: Float64Array) => like.map(() => 1);
const negated = (values: Float64Array) => values.map((value) => -value);

/** Values that were lost, negated or exchanged. */
const LOST: readonly (readonly [id: string, name: string, parts: (right: Parts) => Partial<Parts>])[] = [
  ["gamma", "gamma was lost", ({ gamma }) => ({ gamma: ones(gamma) })],
  ["beta", "beta was lost", ({ beta }) => ({ beta: zeros(beta) })],
  ["affine", "gamma and beta were lost", ({ gamma, beta }) => ({ gamma: ones(gamma), beta: zeros(beta) })],
  ["beta sign", "beta was subtracted, not added", ({ beta }) => ({ beta: negated(beta) })],
  ["swapped affine", "gamma and beta are exchanged", ({ gamma, beta }) => ({ gamma: beta, beta: gamma })],
  ["mean", "the mean was lost", ({ mean }) => ({ mean: zeros(mean) })],
  ["mean sign", "the mean was added, not subtracted", ({ mean }) => ({ mean: negated(mean) })],
  ["swapped statistics", "mean and variance are exchanged", (p) => ({ mean: p.variance, variance: p.mean })],
  ["statistics", "mean and variance were lost", (p) => ({ mean: zeros(p.mean), variance: ones(p.variance) })],
];

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

/**
 * The gain per channel that the attempt's weights imply for this step if all other steps are right; NaN where they are
 * zero.
 */
function fittedGains(step: FoldStep, task: FoldTask, attempt: FoldAttempt): Float64Array {
  const { layout } = task;
  const others = rightFold({ ...task, steps: task.steps.filter((one) => one !== step) }).weights;
  const [channels, channelOf] = step.side === "before" ? [layout.inputs, layout.in] : [layout.outputs, layout.out];
  const [along, squares] = [new Float64Array(channels), new Float64Array(channels)];
  for (let i = 0; i < others.length; i++) {
    const [c, w] = [channelOf(i), others[i] as number];
    along[c] = (along[c] as number) + w * (attempt.weights[i] as number);
    squares[c] = (squares[c] as number) + w * w;
  }
  return along.map((sum, c) => sum / (squares[c] as number));
}

/** The epsilon that the channels' gains imply, if they agree on one: the median of (gamma / gain)^2 - variance. */
function guessEps(gains: Float64Array, { gamma, variance }: Parts): number | null {
  const found: number[] = [];
  for (const [c, gain] of gains.entries()) {
    const eps = ((gamma[c] as number) / gain) ** 2 - (variance[c] as number);
    if (Number.isFinite(eps)) found.push(eps);
  }
  found.sort((a, b) => a - b);
  const median = found[found.length >> 1];
  return median !== undefined && median >= 0 ? median : null;
}
