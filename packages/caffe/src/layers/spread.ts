import type { HostArray } from "@bn/core";
import { decodeBlob } from "../binary/blob.ts";
import type { Network, NetworkLayer } from "../net/network.ts";

/** How the values of channels depend on the weights of these channels, over a whole network. */
export interface Spread {
  /** The slope of log(value) over log(sum of squared weights), fitted within each layer: 1 for variances, 1/2 for standard deviations. */
  readonly slope: number;
  /** The slope's standard error. */
  readonly error: number;
  /**
   * The median over layers of the geometric mean of value / sum of squared weights, which is the mean square of the
   * input.
   */
  readonly level: number;
  readonly channels: number;
}

export interface Sample {
  readonly layer: NetworkLayer;
  readonly values: HostArray;
}

/** With fewer channels than this, there is no result. */
const ENOUGH = 64;
const MAKERS = ["Convolution", "InnerProduct"];

/**
 * If inputs were independent, channel c of a convolution would have the variance sum(w_c^2) times the mean square of
 * the input. Over many channels, variances therefore grow as sum(w_c^2), standard deviations as its root, and their
 * inverses as one over the root. In trained networks the slope is near 1 (1.02 +- 0.04 and 1.09 +- 0.03 for the two of
 * test/models).
 */
export function spreadOf(samples: readonly Sample[], network: Network): Spread | null {
  const total = { xx: 0, xy: 0, yy: 0, channels: 0, layers: 0 };
  const levels: number[] = [];
  for (const { layer, values } of samples) {
    const maker = network.layers[layer.bottoms[0]?.layer ?? -1];
    const bytes = maker && MAKERS.includes(maker.type) ? maker.blobs[0] : undefined;
    if (!maker || !bytes) continue;
    const weights = decodeBlob(bytes, maker.label).data;
    const points = pointsOf(weights, values);
    if (points.length < 2) continue;
    const [mx, my] = [meanOf(points.map(([x]) => x)), meanOf(points.map(([, y]) => y))];
    for (const [x, y] of points) {
      total.xx += (x - mx) ** 2;
      total.xy += (x - mx) * (y - my);
      total.yy += (y - my) ** 2;
    }
    total.channels += points.length;
    total.layers++;
    levels.push(my - mx);
  }
  const { xx, xy, yy, channels, layers } = total;
  if (channels < ENOUGH || xx === 0) return null;
  const slope = xy / xx;
  const error = Math.sqrt(Math.max(0, yy - slope * xy) / (channels - layers - 1) / xx);
  levels.sort((a, b) => a - b);
  return { slope, error, level: Math.exp(levels[levels.length >> 1] as number), channels };
}

/** The logarithms of the sum of squares and of the value, for each channel that has both. */
function pointsOf(weights: HostArray, values: HostArray): [number, number][] {
  const per = weights.length / values.length;
  if (!Number.isInteger(per)) return [];
  const points: [number, number][] = [];
  for (const [c, value] of values.entries()) {
    let squares = 0;
    for (let i = c * per; i < (c + 1) * per; i++) squares += (weights[i] as number) ** 2;
    if (squares > 0 && value > 0 && squares < Infinity && value < Infinity)
      points.push([Math.log(squares), Math.log(value)]);
  }
  return points;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const KINDS = { variance: 1, std: 0.5, "inverse std": -0.5 } as const;

/**
 * The kind of the values by their slope: it must be within 0.2 of one kind, with a standard error of at most 0.08. Null
 * if it is unclear.
 */
export function kindOf({ slope, error }: Spread): keyof typeof KINDS | null {
  if (error > 0.08) return null;
  const found = Object.entries(KINDS).find(([, expected]) => Math.abs(slope - expected) < 0.2);
  return (found?.[0] as keyof typeof KINDS | undefined) ?? null;
}

export function spreadText({ slope, error, channels }: Spread): string {
  return `over ${channels} channels they grow with power ${slope.toFixed(2)} +- ${error.toFixed(2)} of the summed squares of the weights before them`;
}
