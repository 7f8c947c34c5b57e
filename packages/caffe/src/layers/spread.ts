import type { HostArray } from "@bn/core";
import { decodeBlob } from "../binary/blob.ts";
import type { Network, NetworkLayer } from "../net/network.ts";

/** How values of channels go with the weights that made the channels, over a whole network. */
export interface Spread {
  /** The slope of log(value) over log(sum of squared weights), fitted within each layer: 1 for variances, 1/2 for standard deviations. */
  readonly slope: number;
  /** The slope's standard error. */
  readonly error: number;
  /** Median over layers of the geometric mean of value / sum of squared weights: the mean square of what goes in. */
  readonly level: number;
  readonly channels: number;
}

export interface Sample {
  readonly layer: NetworkLayer;
  readonly values: HostArray;
}

/** Below this many channels nothing is said. */
const ENOUGH = 64;
const MAKERS = ["Convolution", "InnerProduct"];

/**
 * Channel c of a convolution has variance sum(w_c^2) times the mean square of what goes in, were that independent: so
 * over many channels variances grow as sum(w_c^2), standard deviations as its root, their inverses as one over the root.
 * In trained networks the slope is near 1 (1.02 +- 0.04 and 1.09 +- 0.03 for the two of test/models).
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

/** Logarithms of the sum of squares and of the value, of each channel that has both. */
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

/** What the values are by their slope, or null where that is not clear: within 0.2 of one kind, and known to 0.08. */
export function kindOf({ slope, error }: Spread): keyof typeof KINDS | null {
  if (error > 0.08) return null;
  const found = Object.entries(KINDS).find(([, expected]) => Math.abs(slope - expected) < 0.2);
  return (found?.[0] as keyof typeof KINDS | undefined) ?? null;
}

export function spreadText({ slope, error, channels }: Spread): string {
  return `over ${channels} channels they grow with power ${slope.toFixed(2)} +- ${error.toFixed(2)} of the summed squares of the weights before them`;
}
