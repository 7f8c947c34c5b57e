import {
  type Backend,
  type Blob,
  createBatchNorm,
  createBatchNormScale,
  createBlob,
  createScale,
  type HostArray,
  type Layer,
} from "@bn/core";
import { withOwner } from "../layers/owner.ts";
import type { NormRecord } from "../layers/record.ts";
import type { Problem } from "./problem.ts";

/**
 * Runs the layers of @bn/core that represent a problem on `backend`, and returns their top. If `layer` is given, its
 * blobs are used as stored.
 */
export function runProblem(
  backend: Backend,
  { x, g, dtype, eps, stats, affine, after }: Problem,
  layer: NormRecord | null,
): Promise<HostArray> {
  return withOwner(async (owner) => {
    const { own } = owner;
    const blob = (shape: readonly number[], values?: ArrayLike<number>): Blob => {
      const one = own(createBlob(backend, shape, dtype));
      if (values) one.write(values);
      return one;
    };
    const run = (layer: Layer, from: Blob, to: Blob) => {
      own(layer);
      layer.setUp([from], [to]);
      layer.forward([from], [to]);
    };
    const [bottom, top] = [blob([g.outer, g.channels, g.inner], x), blob([0])];
    const given = stats ?? { mean: new Float64Array(g.channels), variance: new Float64Array(g.channels) };
    const blobs = [blob([g.channels], given.mean), blob([g.channels], given.variance), blob([1], [1])];
    if (affine) blobs.push(blob([g.channels], affine.gamma));
    if (affine?.beta) blobs.push(blob([g.channels], affine.beta));
    if (layer !== null && stats !== null) {
      const filled = (value: number) => new Array<number>(g.channels).fill(value);
      const { statistics, gamma, beta } = layer;
      const stored = [statistics.mean, statistics.variance, [statistics.factor], gamma ?? filled(1), beta ?? filled(0)];
      for (const [i, one] of blobs.entries()) one.write(stored[i] ?? []);
    }
    const mode = { useGlobalStats: stats !== null, updateStats: false, eps: layer?.eps ?? eps, blobs };
    const create = affine
      ? () => createBatchNormScale({ ...mode, biasTerm: affine.beta !== null })
      : () => createBatchNorm(mode);
    run(create(), bottom, top);
    if (after === null) return await top.read();
    const scaled = blob([0]);
    const parts = [blob([after.g.channels], after.gamma)];
    if (after.beta) parts.push(blob([after.g.channels], after.beta));
    top.reshape([after.g.outer, after.g.channels, after.g.inner]);
    run(createScale({ biasTerm: after.beta !== null, blobs: parts }), top, scaled);
    return await scaled.read();
  });
}
