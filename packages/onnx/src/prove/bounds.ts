import type { FoldStep, FoldTask } from "../fold/task.ts";
import type { FoldedWeights } from "../fold/weights.ts";
import type { LinearMap } from "./products.ts";

/** The unit roundoff and smallest number of the type that a network computes in. */
interface Precision {
  readonly u: number;
  readonly eta: number;
}

/** How far the original and the folded layer may each be from the exact result (F-3). */
export interface Errors {
  readonly original: number;
  readonly folded: number;
}

/** The quantities from which the bounds of a layer follow. */
export interface Sides {
  readonly task: FoldTask;
  /** The right weights, in float64. */
  readonly right: FoldedWeights;
  /** The precision of the network's dtype. */
  readonly p: Precision;
  /** The unit roundoff of the type in which the folded weights are stored, and half of its smallest number. */
  readonly stored: { readonly u: number; readonly smallest: number };
}

interface Known {
  /** The value itself, or the largest magnitude that it may have. */
  readonly value: number;
  readonly error: number;
}

/**
 * The value and error after a normalization of its own: O-1, or one rounding for a product or sum with constants. If
 * `exact` is false, `value` and the result are magnitudes.
 */
function stepped({ value, error }: Known, step: FoldStep, c: number, { u, eta }: Precision, exact: boolean): Known {
  const [mean, gain, beta] = [
    step.affine.mean[c] as number,
    step.affine.gain[c] as number,
    step.affine.beta[c] as number,
  ];
  const size = Math.abs(gain);
  const t = exact ? (value - mean) * gain : (Math.abs(value) + Math.abs(mean)) * size;
  const y = exact ? t + beta : t + Math.abs(beta);
  const rounded =
    step.norm === null
      ? u * Math.abs(y)
      : u * (6.5 * Math.abs(t) + (Math.abs(value) + 2 * Math.abs(mean)) * size + 2 * Math.abs(beta));
  return { value: y, error: size * error + rounded + eta * (4 + Math.abs(value) + Math.abs(mean) + size) };
}

/** The steps in the order in which a network runs them. */
function sidesOf({ steps }: FoldTask): { before: readonly FoldStep[]; behind: readonly FoldStep[] } {
  return {
    before: steps.filter(({ side }) => side === "before").toReversed(),
    behind: steps.filter(({ side }) => side === "behind"),
  };
}

/**
 * F-3 for every output of a channel, from the weights and the largest magnitude of each input channel: no output of the
 * layer can have a larger error, whatever its inputs in these ranges are.
 */
export function channelErrors({ task, right, p, stored }: Sides, ranges: ArrayLike<number>): Errors[] {
  const { layout, weights, bias, factor } = task;
  const { before, behind } = sidesOf(task);
  const read = Array.from({ length: layout.inputs }, (_, c) => {
    return before.reduce<Known>((known, step) => stepped(known, step, c, p, false), {
      value: ranges[c] as number,
      error: 0,
    });
  });
  const sums = Array.from({ length: layout.outputs }, () => ({ count: 0, size: 0, error: 0, folded: 0, inputs: 0 }));
  for (let i = 0; i < weights.length; i++) {
    const [o, c] = [layout.out(i), layout.in(i)];
    const sum = sums[o] as (typeof sums)[number];
    const { value, error } = read[c] as Known;
    const w = Math.abs((weights[i] as number) * factor);
    sum.count++;
    sum.size += w * value;
    sum.error += w * error;
    sum.folded += Math.abs((right.weights[i] as number) * factor) * (ranges[c] as number);
    sum.inputs += ranges[c] as number;
  }
  return sums.map(({ count, size, error, folded, inputs }, o) => {
    const terms = size + Math.abs(bias?.[o] ?? 0);
    const sum = { value: terms, error: error + (count + 3) * (p.u * terms + p.eta) };
    const original = behind.reduce<Known>((known, step) => stepped(known, step, o, p, false), sum).error;
    return { original, folded: foldedError(count, folded + Math.abs(right.bias[o] as number), inputs, p, stored) };
  });
}

/**
 * ((K + 3) u + u') of the terms, plus the effect of underflow: K + 1 for the sum, and two for Gemm's alpha and beta.
 */
function foldedError(count: number, terms: number, inputs: number, p: Precision, stored: Sides["stored"]): number {
  return ((count + 3) * p.u + stored.u) * terms + (count + 3) * p.eta + stored.smallest * (inputs + 1);
}

/** One output in float64, and F-3 for it, from the values that it is computed from. */
export interface Exact extends Errors {
  readonly value: number;
}

export function exactOutput(
  { task, right, p, stored }: Sides,
  { products }: LinearMap,
  x: ArrayLike<number>,
  y: number,
  o: number,
): Exact {
  const { layout, weights, bias, factor } = task;
  const { before, behind } = sidesOf(task);
  let [count, sum, terms, error, folded, inputs] = [0, 0, 0, 0, 0, 0];
  products(y, (w, i) => {
    const value = x[i] as number;
    const known = before.reduce<Known>((now, step) => stepped(now, step, layout.in(w), p, true), { value, error: 0 });
    const weight = (weights[w] as number) * factor;
    count++;
    sum += weight * known.value;
    terms += Math.abs(weight * known.value);
    error += Math.abs(weight) * known.error;
    folded += Math.abs((right.weights[w] as number) * factor * value);
    inputs += Math.abs(value);
  });
  const own = bias?.[o] ?? 0;
  const size = terms + Math.abs(own);
  const start: Known = { value: sum + own, error: error + (count + 3) * (p.u * size + p.eta) };
  const { value, error: original } = behind.reduce<Known>((known, step) => stepped(known, step, o, p, true), start);
  const all = foldedError(count, folded + Math.abs(right.bias[o] as number), inputs, p, stored);
  // Float64 rounds in the same places, which matters only for a network in float64.
  const reference = (2 ** -53 / p.u) * original;
  return { value, original: original + reference, folded: all + reference };
}
