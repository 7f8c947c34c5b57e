import { bounds, oracle } from "@bn/conformance";
import type { Blob, Geometry } from "@bn/core";
import {
  addedTo,
  affineOf,
  averaged,
  batchStats,
  type Expected,
  gradients,
  misfit,
  normalized,
  scaled,
  scaleSums,
  storedStats,
} from "./reference.ts";
import type { Content, Snapshot, Subject, World } from "./world.ts";

const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

/** [outer][channels][inner] of BatchNorm's bottom by BN-1, with axis 1. */
function normGrid(shape: readonly number[]): Geometry {
  if (shape.length === 1) return { outer: shape[0]!, channels: 1, inner: 1 };
  return { outer: shape[0]!, channels: shape[1]!, inner: product(shape.slice(2)) };
}

/** The grid of Scale's bottom: S-2 with axis 1, S-5 with two bottoms. */
function scaleGrid(shape: readonly number[], scale: readonly number[]): Geometry {
  if (scale.length === 0) return { outer: product(shape), channels: 1, inner: 1 };
  return { outer: shape[0]!, channels: product(scale), inner: product(shape.slice(1 + scale.length)) };
}

const first = (...found: (string | null)[]) => found.find((one) => one !== null) ?? null;

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
  const p = bounds.precisionOf(bottom[0]!.dtype, world.backend.supports);
  const fits = (what: string, got: ArrayLike<number>, expected: Expected) => misfit(what, got, expected, p);
  const data = subject.layer.blobs.map((blob) => before.get(blob) as Content);
  const now = subject.layer.blobs.map((blob) => after.get(blob) as Content);
  if (!subject.norm) {
    const gamma = bottom[1] ? (before.get(bottom[1]) as Content) : data[0]!;
    const beta = subject.layer.beta ? data[data.length - 1]!.data : undefined;
    subject.last = { x: x.data, shape: x.shape, stats: null, batch: false };
    const affine = affineOf(gamma.data, beta) as oracle.GammaBeta;
    return fits("top", y.data, scaled(x.data, scaleGrid(x.shape, gamma.shape), affine, p));
  }
  const g = normGrid(x.shape);
  const [mean, variance, factor, gamma, beta] = data;
  const batch = !(subject.useGlobalStats ?? subject.norm.phase === "test");
  const stats = batch ? batchStats(x.data, g, p) : storedStats(mean!.data, variance!.data, factor!.data, p);
  subject.last = { x: x.data, shape: x.shape, stats, batch };
  const affine = affineOf(gamma?.data, beta?.data);
  const tops = fits("top", y.data, normalized(x.data, g, stats, subject.eps, affine, p));
  if (!batch || !subject.norm.updateStats) {
    const changed = [0, 1, 2].find((i) => `${now[i]!.data}` !== `${data[i]!.data}`);
    return first(tops, changed === undefined ? null : `blobs[${changed}] changed without an update`);
  }
  const { truth, errors } = stats;
  const steps = [
    [oracle.valuesOf(truth.mean), errors.mean, 1],
    [oracle.valuesOf(truth.variance), errors.variance, oracle.correctionOf(g).hi],
    [Float64Array.of(1), Float64Array.of(0), 1],
  ] as const;
  const moved = steps.map(([value, error, correction], i) =>
    fits(`blobs[${i}]`, now[i]!.data, averaged(data[i]!.data, value, error, subject.fraction, correction, p)),
  );
  return first(tops, ...moved);
}

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
  const p = bounds.precisionOf(bottom[0]!.dtype, world.backend.supports);
  if (`${(after.get(bottom[0]!) as Content).shape}` !== `${last.shape}`)
    return "a backward of another shape was accepted";
  const oldOf = (blob: Blob) => (before.get(blob) as Content).diff;
  /** The diff of a blob, which is `expected`, or unchanged if that is null. */
  const diff = (what: string, blob: Blob, expected: Expected | null) => {
    const kept = { values: Float64Array.from(oldOf(blob)), bounds: new Float64Array(oldOf(blob).length) };
    return misfit(what, (after.get(blob) as Content).diff, expected ?? kept, p);
  };
  if (product(last.shape) === 0) return diff("bottom.diff", bottom[0]!, null);
  if (!norm) {
    const second = bottom[1];
    const gamma = (second ?? layer.gamma) as Blob;
    const g = scaleGrid(last.shape, gamma.shape);
    const none = new Float64Array(g.channels);
    const sums = scaleSums(dy, last.x, g, second ? none : oldOf(gamma), layer.beta ? oldOf(layer.beta) : none, p);
    const affine = affineOf((before.get(gamma) as Content).data, undefined) as oracle.GammaBeta;
    return first(
      diff(second ? "bottom[1].diff" : "gamma.diff", gamma, second && !down[1] ? null : sums.gamma),
      layer.beta && diff("beta.diff", layer.beta, sums.beta),
      diff("bottom.diff", bottom[0]!, down[0] ? scaled(dy, g, affine, p) : null),
    );
  }
  const g = normGrid(last.shape);
  const gamma = layer.gamma && oracle.channelsOf((before.get(layer.gamma) as Content).data);
  const right = gradients(dy, last.x, g, last.stats!, eps, gamma, last.batch, p);
  return first(
    layer.gamma && diff("gamma.diff", layer.gamma, addedTo(oldOf(layer.gamma), right.gamma, p)),
    layer.beta && diff("beta.diff", layer.beta, addedTo(oldOf(layer.beta), right.beta, p)),
    diff("bottom.diff", bottom[0]!, down[0] ? right.dx : null),
  );
}
