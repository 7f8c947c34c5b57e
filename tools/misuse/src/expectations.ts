import type { Blob } from "@bn/core";
import {
  averaged,
  batchStats,
  type Expected,
  type Grid,
  gradients,
  misfit,
  normalized,
  type Precision,
  type Stats,
  scaled,
  scaleSums,
  storedStats,
} from "./reference.ts";
import { type Content, precisionOf, type Snapshot, type Subject, type World } from "./world.ts";

const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

/** [outer][channels][inner] of BatchNorm's bottom by BN-1, with axis 1. */
function normGrid(shape: readonly number[]): Grid {
  if (shape.length === 1) return { outer: shape[0]!, channels: 1, inner: 1 };
  return { outer: shape[0]!, channels: shape[1]!, inner: product(shape.slice(2)) };
}

/** The grid of Scale's bottom: S-2 with axis 1, S-5 with two bottoms. */
function scaleGrid(shape: readonly number[], scale: readonly number[]): Grid {
  if (scale.length === 0) return { outer: product(shape), channels: 1, inner: 1 };
  return { outer: shape[0]!, channels: product(scale), inner: product(shape.slice(1 + scale.length)) };
}

const ones = (count: number) => new Float64Array(count).fill(1);
const first = (...found: (string | null)[]) => found.find((one) => one !== null) ?? null;

/** The bound of adding to an old diff, which rounds once more after the sum was rounded. */
function addedTo(old: ArrayLike<number>, { values, bounds }: Expected, { u }: Precision): Expected {
  const total = values.map((v, c) => old[c]! + v);
  return { values: total, bounds: bounds.map((b, c) => b + u * (Math.abs(total[c]!) + Math.abs(values[c]!))) };
}

export function checkSetUp(subject: Subject): string | null {
  subject.last = null;
  subject.ready = true;
  return `${subject.top.shape}` === `${subject.bottom[0]!.shape}`
    ? null
    : "top does not have bottom's shape after setUp";
}

export function checkForward(
  world: World,
  subject: Subject,
  bottom: readonly Blob[],
  top: Blob,
  before: Snapshot,
  after: Snapshot,
): string | null {
  const x = before.get(bottom[0]!) as Content;
  const y = after.get(top) as Content;
  if (`${y.shape}` !== `${x.shape}`) return `top has shape [${y.shape}], bottom [${x.shape}]`;
  const p = precisionOf(world, bottom[0]!.dtype);
  const data = subject.layer.blobs.map((blob) => before.get(blob) as Content);
  const now = subject.layer.blobs.map((blob) => after.get(blob) as Content);
  if (!subject.norm) {
    const gamma = bottom[1] ? (before.get(bottom[1]) as Content) : data[0]!;
    const bias = subject.layer.beta ? data[data.length - 1]! : null;
    const g = scaleGrid(x.shape, gamma.shape);
    subject.last = { x: x.data, shape: x.shape, stats: null, batch: false, gamma: gamma.data };
    return misfit(
      "top",
      y.data,
      scaled(x.data, g, gamma.data, bias?.data ?? new Float64Array(g.channels), p),
      !isNarrow(p),
    );
  }
  const g = normGrid(x.shape);
  const m = g.outer * g.inner;
  const [mean, variance, factor, gamma, beta] = data;
  const batch = !(subject.useGlobalStats ?? subject.norm.phase === "test");
  const stats: Stats = batch ? batchStats(x.data, g, p) : storedStats(mean!.data, variance!.data, factor!.data[0]!, p);
  const scale = gamma?.data ?? ones(g.channels);
  subject.last = { x: x.data, shape: x.shape, stats, batch, gamma: gamma?.data ?? null };
  const shift = beta?.data ?? new Float64Array(g.channels);
  const wide = !isNarrow(p);
  const tops = misfit("top", y.data, normalized(x.data, g, stats, subject.eps, scale, shift, p), wide);
  if (!batch || !subject.norm.updateStats) {
    const changed = [0, 1, 2].find((i) => `${now[i]!.data}` !== `${data[i]!.data}`);
    return first(tops, changed === undefined ? null : `blobs[${changed}] changed without an update`);
  }
  const f = subject.fraction;
  const correction = m > 1 ? m / (m - 1) : 1;
  const { u } = p;
  return first(
    tops,
    misfit("blobs[0]", now[0]!.data, averaged(mean!.data, stats.mean, stats.meanError, f, 1, u), wide),
    misfit(
      "blobs[1]",
      now[1]!.data,
      averaged(variance!.data, stats.variance, stats.varianceError, f, correction, u),
      wide,
    ),
    misfit("blobs[2]", now[2]!.data, averaged(factor!.data, [1], [0], f, 1, u), wide),
  );
}

const isNarrow = ({ u }: Precision) => u > 1e-10;

export function checkBackward(
  world: World,
  subject: Subject,
  bottom: readonly Blob[],
  top: Blob,
  down: readonly boolean[],
  before: Snapshot,
  after: Snapshot,
): string | null {
  const { last, layer, norm, eps } = subject;
  if (last === null) return "a backward without a forward was accepted";
  const dy = (before.get(top) as Content).diff;
  const dx = (after.get(bottom[0]!) as Content).diff;
  const oldDx = (before.get(bottom[0]!) as Content).diff;
  const p = precisionOf(world, bottom[0]!.dtype);
  const wide = !isNarrow(p);
  if (`${(after.get(bottom[0]!) as Content).shape}` !== `${last.shape}`)
    return "a backward of another shape was accepted";
  const kept = (what: string, now: ArrayLike<number>, then: ArrayLike<number>) =>
    misfit(what, now, { values: Float64Array.from(then), bounds: new Float64Array(then.length) }, false);
  const diffs = (blob: Blob) => [(before.get(blob) as Content).diff, (after.get(blob) as Content).diff] as const;
  if (product(last.shape) === 0) return kept("bottom.diff", dx, oldDx);
  if (!norm) {
    const second = bottom[1];
    const gamma = (second ?? layer.gamma) as Blob;
    const g = scaleGrid(last.shape, gamma.shape);
    const sums = scaleSums(dy, last.x, g, p);
    const zeros = new Float64Array(g.channels);
    const values = (before.get(gamma) as Content).data;
    const [oldGamma, newGamma] = diffs(gamma);
    const gammaGrad = second
      ? down[1]
        ? misfit("bottom[1].diff", newGamma, addedTo(zeros, sums.gamma, p), wide)
        : kept("bottom[1].diff", newGamma, oldGamma)
      : misfit("gamma.diff", newGamma, addedTo(oldGamma, sums.gamma, p), wide);
    const bias = layer.beta ? diffs(layer.beta) : null;
    return first(
      gammaGrad,
      bias && misfit("beta.diff", bias[1], addedTo(bias[0], sums.beta, p), wide),
      down[0] ? misfit("bottom.diff", dx, scaled(dy, g, values, zeros, p), wide) : kept("bottom.diff", dx, oldDx),
    );
  }
  const g = normGrid(last.shape);
  const gamma = layer.gamma ? (before.get(layer.gamma) as Content).data : ones(g.channels);
  const right = gradients(dy, last.x, g, last.stats as Stats, eps, gamma, last.batch, p);
  const [dGamma, dBeta] = [layer.gamma && diffs(layer.gamma), layer.beta && diffs(layer.beta)];
  return first(
    dGamma && misfit("gamma.diff", dGamma[1], addedTo(dGamma[0], right.gamma, p), wide),
    dBeta && misfit("beta.diff", dBeta[1], addedTo(dBeta[0], right.beta, p), wide),
    down[0] ? misfit("bottom.diff", dx, right.dx, wide) : kept("bottom.diff", dx, oldDx),
  );
}
