import type { Model } from "../graph/proto.ts";
import { groupsWithin } from "../verify/groups.ts";
import { countOf } from "../verify/problem.ts";
import type { Runtime } from "../verify/runtime.ts";
import { createTaps, type Given } from "../verify/taps.ts";
import { ENOUGH_VALUES, meanName, type Place, renormalized, type ScaleOf, varianceName } from "./renormalize.ts";
import type { StoredNode } from "./suspicion.ts";

/** The statistics of a node's input: the mean and variance of X per channel. */
export interface Measured {
  readonly node: StoredNode;
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  /** Values per channel. */
  readonly count: number;
}

/**
 * The places whose statistics a run can measure: nodes in inference, with channels on axis 1 and enough values per
 * channel.
 */
export function measurable(places: readonly Place[]): Place[] {
  return places.filter(({ node, shape }) => {
    const fits = node.topLevel && !node.training && node.spatial && shape[1] === node.layer.channels;
    return fits && shape.length >= 3 && countOf(shape, 2) >= ENOUGH_VALUES;
  });
}

/** Runs the network with each place normalized by its own batch. Errors: as `Taps.fetch`. */
export async function measure(
  model: Model,
  places: readonly Place[],
  runtime: Runtime,
  given: Given,
  scaleOf: ScaleOf | null = null,
): Promise<Measured[]> {
  const taps = createTaps(renormalized(model, places, scaleOf), runtime, given);
  const found: Measured[] = [];
  for (const group of groupsWithin(MOST, [...places.entries()], ([, { shape }]) => 4 * countOf(shape))) {
    const names = group.flatMap(([i]) => [meanName(i), varianceName(i)]);
    const values = await taps.fetch(names.map((name) => ({ name, as: "value" })));
    for (const [i, { node, shape }] of group) {
      const of = (name: string) => values.get(name)?.data as Float64Array;
      const count = countOf(shape) / node.layer.channels;
      found.push({ node, count, ...merged(of(meanName(i)), of(varianceName(i)), node.layer.channels) });
    }
  }
  return found;
}

/** The size of the tensors that are measured in one run, in bytes. They may all be in memory until it ends. */
const MOST = 2 ** 27;

/** Merges the means and variances of instances of the same size. */
function merged(means: Float64Array, variances: Float64Array, channels: number) {
  const instances = means.length / channels;
  const mean = new Float64Array(channels);
  const variance = new Float64Array(channels);
  for (let i = 0; i < means.length; i++) {
    mean[i % channels] = (mean[i % channels] as number) + (means[i] as number) / instances;
  }
  for (let i = 0; i < means.length; i++) {
    const c = i % channels;
    const within = (variances[i] as number) + ((means[i] as number) - (mean[c] as number)) ** 2;
    variance[c] = (variance[c] as number) + within / instances;
  }
  return { mean, variance };
}
