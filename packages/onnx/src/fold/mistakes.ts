import type { NormRecord } from "../layers/record.ts";
import { mixedGroups, movedWeights } from "./moved.ts";
import { type FoldAttempt, type FoldStep, type FoldTask, plain, rightFold } from "./task.ts";
import { type Variant, variantsOf } from "./variants.ts";
import { type FoldedWeights, foldBefore, foldBehind } from "./weights.ts";

/** The result of a mistake. */
export interface Mistake {
  readonly name: string;
  /** The same for equal mistakes in different parts of the task. */
  readonly id: string;
  fold(): FoldedWeights;
}

/**
 * Known mistakes, applied to the task: in the layer as a whole, in one of several normalizations, or in all of them
 * alike.
 */
export function* mistakes(task: FoldTask, attempt: FoldAttempt, others: readonly NormRecord[]): Generator<Mistake> {
  const all = task.steps.map((step) => [...variantsOf(step, task, attempt, others)]);
  yield* inOneStep(task, all);
  yield* inEveryStep(task, all);
  yield* inTheLayer(task);
  yield permutedBias(task, attempt);
  yield* inTheSteps(task);
  yield* movedWeights(task);
  yield* mixedGroups(task);
}

const made = (id: string, name: string, fold: () => FoldedWeights): Mistake => ({ id, name, fold });

const withSteps = (task: FoldTask, steps: readonly FoldStep[]) => rightFold({ ...task, steps });

/** One normalization is wrong, and all others are right. */
function* inOneStep(task: FoldTask, all: readonly (readonly Variant[])[]): Generator<Mistake> {
  const { steps } = task;
  for (const [s, variants] of all.entries()) {
    for (const { id, name, affine, part } of variants) {
      const altered = steps.map((step, i) => (i === s ? { ...step, affine } : step));
      const fold = () => {
        const wrong = withSteps(task, altered);
        const right = part === "all" ? wrong : rightFold(task);
        return part === "weights" ? { ...right, weights: wrong.weights } : { ...right, bias: wrong.bias };
      };
      const alone = part === "all" ? "" : `, in the ${part} alone`;
      const where = steps.length > 1 ? `, in "${steps[s]?.name}"` : "";
      yield made(`${s} ${id} ${part}`, `${name}${alone}${where}`, fold);
    }
  }
}

/** The same mistake everywhere where it is possible. */
function* inEveryStep(task: FoldTask, all: readonly (readonly Variant[])[]): Generator<Mistake> {
  const { steps } = task;
  if (steps.length < 2) return;
  const kinds = new Map(all.flat().flatMap((one) => (one.part === "all" ? [[one.id, one.name] as const] : [])));
  for (const [id, name] of kinds) {
    const chosen = all.map((variants) => variants.find((one) => one.id === id && one.part === "all"));
    if (chosen.filter((one) => one !== undefined).length < 2) continue;
    const altered = steps.map((step, i) => ({ ...step, affine: chosen[i]?.affine ?? step.affine }));
    yield made(`every ${id}`, `${name}, in every normalization`, () => withSteps(task, altered));
  }
}

/** Mistakes in the weights or the bias as a whole. */
function* inTheLayer(task: FoldTask): Generator<Mistake> {
  const given = plain(task.bias, task.layout.outputs);
  const zeros = given.map(() => 0);
  const behind = task.steps.filter(({ side }) => side === "behind");
  const gainOf = (o: number) => behind.reduce((gain, { affine }) => gain * (affine.gain[o] as number), 1);
  const withBias = (bias: (right: FoldedWeights) => Float64Array) => () => {
    const right = rightFold(task);
    return { weights: right.weights, bias: bias(right) };
  };
  const withOwn = (bias: Float64Array) => () => rightFold({ ...task, bias });
  yield made(
    "bias unscaled",
    "the layer's own bias was not scaled",
    withBias(({ bias }) => bias.map((value, o) => value + (given[o] as number) * (1 - gainOf(o)))),
  );
  yield made("bias lost", "the layer's own bias was lost", withOwn(zeros));
  const { biasFactor, factor } = task;
  if (biasFactor !== 1 && biasFactor !== 0) {
    const bare = given.map((value) => value / biasFactor);
    yield made("beta", "Gemm's beta was ignored", withOwn(bare));
    const twice = given.map((value) => value * biasFactor);
    yield made("beta twice", "Gemm's beta was applied twice", withOwn(twice));
    // b' is right, but the operator multiplies it once more.
    const again = withBias(({ bias }) => bias.map((value) => value * biasFactor));
    yield made("beta kept", "Gemm's beta still multiplies the folded bias", again);
    const neither = () => {
      const { weights, bias } = rightFold({ ...task, bias: bare });
      return { weights, bias: bias.map((value) => value * biasFactor) };
    };
    yield made("beta not seen", "Gemm's beta was ignored, and multiplies the folded bias", neither);
  }
  if (factor !== 1 && factor !== 0) {
    yield made("alpha", "Gemm's alpha was ignored", () => rightFold({ ...task, factor: 1 }));
    const by = (to: (w: number) => number) => () => {
      const right = rightFold(task);
      return { weights: right.weights.map(to), bias: right.bias };
    };
    const [lost, twice] = [by((w) => w / factor), by((w) => w * factor)];
    yield made("alpha lost", "Gemm's alpha was lost", lost);
    yield made("alpha twice", "Gemm's alpha was applied twice", twice);
  }
  yield made("weights unscaled", "the weights were not scaled", () => ({
    weights: Float64Array.from(task.weights),
    bias: rightFold(task).bias,
  }));
  const [unfolded, missing] = [withBias(() => given), withBias(() => zeros)];
  const unscaled = withBias(() => unscaledMeans(task));
  yield made("bias unfolded", "the bias was not folded", unfolded);
  yield made("bias missing", "the bias is missing", missing);
  yield made("means unscaled", "the mean was not scaled", unscaled);
  if (task.steps.some(({ side }) => side === "before")) yield* inTheSums(task);
}

/** The right biases in the order of the attempt's biases. It fits if they are the same numbers in other channels. */
function permutedBias(task: FoldTask, attempt: FoldAttempt): Mistake {
  const inOrder = (values: Float64Array) =>
    Array.from(values.keys()).toSorted((a, b) => (values[a] as number) - (values[b] as number));
  return made("bias moved", "the biases are those of other channels", () => {
    const right = rightFold(task);
    const from = inOrder(right.bias);
    const bias = new Float64Array(right.bias.length);
    for (const [k, o] of inOrder(plain(attempt.bias, task.layout.outputs)).entries()) {
      bias[o] = right.bias[from[k] as number] as number;
    }
    return { weights: right.weights, bias };
  });
}

/** b g - mean + beta: the subtracted mean is not in the output's units. */
function unscaledMeans(task: FoldTask): Float64Array {
  const steps = task.steps.map((step) => {
    const mean = step.affine.mean.map((value, c) => value / (step.affine.gain[c] as number));
    return { ...step, affine: { ...step.affine, mean } };
  });
  return withSteps(task, steps).bias;
}

/** Mistakes in the part of the bias that a fold before a layer adds: sum w (beta - mean g). */
function* inTheSums(task: FoldTask): Generator<Mistake> {
  const { steps, layout, factor } = task;
  const folded = (before: (now: FoldedWeights, step: FoldStep) => FoldedWeights) => () => {
    let now: FoldedWeights = { weights: Float64Array.from(task.weights), bias: plain(task.bias, layout.outputs) };
    for (const step of steps) {
      now = step.side === "behind" ? foldBehind(now.weights, now.bias, layout, step.affine) : before(now, step);
    }
    return now;
  };
  const right = ({ weights, bias }: FoldedWeights, { affine }: FoldStep) =>
    foldBefore(weights, bias, layout, affine, factor);
  yield made(
    "sums lost",
    "what the normalization before the layer adds was left out of the bias",
    folded((now, step) => ({ weights: right(now, step).weights, bias: now.bias })),
  );
  yield made(
    "sums scaled",
    "the sums of the bias were taken over the scaled weights",
    folded((now, step) => {
      const { weights } = right(now, step);
      return { weights, bias: right({ weights, bias: now.bias }, step).bias };
    }),
  );
}

/** Mistakes in which maps were applied, how often, and on which side. */
function* inTheSteps(task: FoldTask): Generator<Mistake> {
  const { steps, layout } = task;
  const several = steps.length > 1;
  const titled = (step: FoldStep) => (several ? `"${step.name}"` : "the normalization");
  for (const [s, step] of steps.entries()) {
    const twice = steps.toSpliced(s, 0, step);
    yield made(`twice ${s}`, `${titled(step)} was applied twice`, () => withSteps(task, twice));
    if (several) yield made(`lost ${s}`, `${titled(step)} was left out`, () => withSteps(task, steps.toSpliced(s, 1)));
    if (layout.inputs !== layout.outputs) continue;
    const side = step.side === "behind" ? "before" : "behind";
    const axis = side === "before" ? "input channels, not its outputs" : "outputs, not its input channels";
    const turned = steps.with(s, { ...step, side });
    yield made(`turned ${s}`, `${titled(step)} was folded over the layer's ${axis}`, () => withSteps(task, turned));
  }
  if (several)
    yield made("reversed", "the normalizations were applied in reverse order", () =>
      withSteps(task, steps.toReversed()),
    );
}
