import type { NormRecord } from "../layers/record.ts";
import { movedWeights } from "./moved.ts";
import { type FoldAttempt, type FoldStep, type FoldTask, plain, rightFold } from "./task.ts";
import { type Variant, variantsOf } from "./variants.ts";
import { type FoldedWeights, foldBefore, foldBehind } from "./weights.ts";

/** What somebody who makes it gets. */
export interface Mistake {
  readonly name: string;
  /** The same for the same mistake in a part of the task. */
  readonly id: string;
  fold(): FoldedWeights;
}

/** Known mistakes, applied to the task: in the layer as a whole, in one normalization of several, in every one alike. */
export function* mistakes(task: FoldTask, attempt: FoldAttempt, others: readonly NormRecord[]): Generator<Mistake> {
  const all = task.steps.map((step) => [...variantsOf(step, task, attempt, others)]);
  yield* inOneStep(task, all);
  yield* inEveryStep(task, all);
  yield* inTheLayer(task);
  yield* inTheSteps(task);
  yield* movedWeights(task);
}

const withSteps = (task: FoldTask, steps: readonly FoldStep[]) => rightFold({ ...task, steps });

/** One normalization taken wrongly, and all others right. */
function* inOneStep(task: FoldTask, all: readonly (readonly Variant[])[]): Generator<Mistake> {
  const { steps } = task;
  for (const [s, variants] of all.entries()) {
    for (const { id, name, affine, part } of variants) {
      const altered = steps.map((step, i) => (i === s ? { ...step, affine } : step));
      const fold = () => {
        const wrong = withSteps(task, altered);
        return part === "weights" ? { weights: wrong.weights, bias: rightFold(task).bias } : wrong;
      };
      const where = steps.length > 1 ? `, in "${steps[s]?.name}"` : "";
      yield {
        id: `${s} ${id} ${part}`,
        name: `${name}${part === "weights" ? ", in the weights alone" : ""}${where}`,
        fold,
      };
    }
  }
}

/** The same mistake wherever it can be made. */
function* inEveryStep(task: FoldTask, all: readonly (readonly Variant[])[]): Generator<Mistake> {
  const { steps } = task;
  if (steps.length < 2) return;
  const kinds = new Map(all.flat().flatMap((one) => (one.part === "all" ? [[one.id, one.name] as const] : [])));
  for (const [id, name] of kinds) {
    const chosen = all.map((variants) => variants.find((one) => one.id === id && one.part === "all"));
    if (chosen.filter((one) => one !== undefined).length < 2) continue;
    const altered = steps.map((step, i) => ({ ...step, affine: chosen[i]?.affine ?? step.affine }));
    yield { id: `every ${id}`, name: `${name}, in every normalization`, fold: () => withSteps(task, altered) };
  }
}

/** Weights or bias as a whole. */
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
  yield {
    ...{ id: "bias unscaled", name: "the layer's own bias was not scaled" },
    fold: withBias(({ bias }) => bias.map((value, o) => value + (given[o] as number) * (1 - gainOf(o)))),
  };
  yield { id: "bias lost", name: "the layer's own bias was lost", fold: withOwn(zeros) };
  const { biasFactor, factor } = task;
  if (biasFactor !== 1 && biasFactor !== 0) {
    const bare = given.map((value) => value / biasFactor);
    yield { id: "beta", name: "Gemm's beta was ignored", fold: withOwn(bare) };
    const twice = given.map((value) => value * biasFactor);
    yield { id: "beta twice", name: "Gemm's beta was applied twice", fold: withOwn(twice) };
    // b' is right, and the operator multiplies it once more.
    const again = withBias(({ bias }) => bias.map((value) => value * biasFactor));
    yield { id: "beta kept", name: "Gemm's beta still multiplies the folded bias", fold: again };
  }
  if (factor !== 1)
    yield { id: "alpha", name: "Gemm's alpha was ignored", fold: () => rightFold({ ...task, factor: 1 }) };
  yield {
    ...{ id: "weights unscaled", name: "the weights were not scaled" },
    fold: () => ({ weights: Float64Array.from(task.weights), bias: rightFold(task).bias }),
  };
  yield { id: "bias unfolded", name: "the bias was not folded", fold: withBias(() => given) };
  yield { id: "bias missing", name: "the bias is missing", fold: withBias(() => zeros) };
  yield { id: "means unscaled", name: "the mean was not scaled", fold: withBias(() => unscaledMeans(task, given)) };
  if (task.steps.some(({ side }) => side === "before")) yield* inTheSums(task);
}

/** b g - mean + beta: what is subtracted is not in the output's units. */
function unscaledMeans({ steps, layout, factor, weights }: FoldTask, given: Float64Array): Float64Array {
  let now: FoldedWeights = { weights: Float64Array.from(weights), bias: given };
  for (const { side, affine } of steps) {
    const mean = affine.mean.map((value, c) => value / (affine.gain[c] as number));
    now =
      side === "behind"
        ? foldBehind(now.weights, now.bias, layout, { ...affine, mean })
        : foldBefore(now.weights, now.bias, layout, { ...affine, mean }, factor);
  }
  return now.bias;
}

/** What a fold before a layer adds to its bias: sum w (beta - mean g). */
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
  yield {
    ...{ id: "sums lost", name: "what the normalization before the layer adds was left out of the bias" },
    fold: folded((now, step) => ({ weights: right(now, step).weights, bias: now.bias })),
  };
  yield {
    ...{ id: "sums scaled", name: "the sums of the bias were taken over the scaled weights" },
    fold: folded((now, step) => {
      const { weights } = right(now, step);
      return { weights, bias: right({ weights, bias: now.bias }, step).bias };
    }),
  };
}

/** Which maps were applied, how often and on which side. */
function* inTheSteps(task: FoldTask): Generator<Mistake> {
  const { steps, layout } = task;
  const several = steps.length > 1;
  const titled = (step: FoldStep) => (several ? `"${step.name}"` : "the normalization");
  for (const [s, step] of steps.entries()) {
    const twice = steps.toSpliced(s, 0, step);
    yield { id: `twice ${s}`, name: `${titled(step)} was applied twice`, fold: () => withSteps(task, twice) };
    if (several)
      yield {
        id: `lost ${s}`,
        name: `${titled(step)} was left out`,
        fold: () => withSteps(task, steps.toSpliced(s, 1)),
      };
    if (layout.inputs !== layout.outputs) continue;
    const side = step.side === "behind" ? "before" : "behind";
    const axis = side === "before" ? "input channels, not its outputs" : "outputs, not its input channels";
    const turned = steps.with(s, { ...step, side });
    yield {
      id: `turned ${s}`,
      name: `${titled(step)} was folded over the layer's ${axis}`,
      fold: () => withSteps(task, turned),
    };
  }
  if (several)
    yield {
      id: "reversed",
      name: "the normalizations were applied in reverse order",
      fold: () => withSteps(task, steps.toReversed()),
    };
}
