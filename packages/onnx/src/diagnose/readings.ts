import type { BatchNormScaleRecord } from "../layers/record.ts";

/** The numbers of one channel, as stored. */
interface Channel {
  readonly mean: number;
  readonly variance: number;
  readonly gamma: number;
  readonly beta: number;
  readonly eps: number;
}

/** The mean and variance of X that the stored numbers would imply if one mistake had been made. */
export interface Reading {
  /** Null for the right reading. */
  readonly mistake: string | null;
  /** Whether the mean changes too. */
  readonly changesMean: boolean;
  readonly of: (channel: Channel) => { readonly mean: number; readonly variance: number };
}

export const RIGHT: Reading = { mistake: null, changesMean: false, of: ({ mean, variance }) => ({ mean, variance }) };

export const MISTAKES: readonly Reading[] = [
  {
    mistake: "as if var holds standard deviations, not variances",
    changesMean: false,
    of: ({ mean, variance }) => ({ mean, variance: variance ** 2 }),
  },
  {
    mistake: "as if var holds inverse standard deviations, 1 / sqrt(variance + epsilon)",
    changesMean: false,
    of: ({ mean, variance, eps }) => ({ mean, variance: 1 / variance ** 2 - eps }),
  },
  {
    mistake: "as if var holds inverse variances",
    changesMean: false,
    of: ({ mean, variance, eps }) => ({ mean, variance: 1 / variance - eps }),
  },
  {
    mistake:
      "as if the node was folded into the layer before it and left in the network, so that its scale acts twice: X has B and scale for mean and deviation",
    changesMean: true,
    of: ({ gamma, beta }) => ({ mean: beta, variance: gamma ** 2 }),
  },
  {
    mistake: "as if scale was multiplied into the layer before it and left in the node, so that gamma acts twice",
    changesMean: true,
    of: ({ mean, variance, gamma }) => ({ mean: mean * gamma, variance: variance * gamma ** 2 }),
  },
];

/** For each mistake in a stored scale, the scale that the node may have been meant to have. */
export const SCALES: readonly {
  readonly mistake: string;
  readonly of: (channel: Channel) => number;
}[] = [
  {
    mistake: "as if scale holds gamma squared, so that gamma acts twice",
    of: ({ gamma }) => Math.sign(gamma) * Math.sqrt(Math.abs(gamma)),
  },
  {
    mistake: "as if scale holds gamma / sqrt(var + epsilon), so that the deviation is divided by twice",
    of: ({ gamma, variance, eps }) => gamma * Math.sqrt(variance + eps),
  },
];

export function channelOf({ statistics, gamma, beta, eps }: BatchNormScaleRecord, c: number): Channel {
  return {
    mean: statistics.mean[c] as number,
    variance: statistics.variance[c] as number,
    gamma: gamma[c] as number,
    beta: beta?.[c] ?? 0,
    eps,
  };
}
