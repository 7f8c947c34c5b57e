import type { StoredStatistics } from "./instrument.ts";
import type { ChosenNode, LeftNode } from "./nodes.ts";

/** How much a node's statistics changed: the distribution over its channels. */
export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

/** The result for one BatchNormalization. */
export interface CalibrationRow {
  readonly node: string;
  readonly status: "recalibrated" | "left";
  /** The reason why the node was not changed; "" if it was. */
  readonly reason: string;
  readonly channels: number;
  /** Values per channel. */
  readonly count: number;
  /** (new mean - old mean) / sqrt(new variance + eps). Null if the node was not changed, as are the fields below. */
  readonly shift: Spread | null;
  /** New variance / old variance; 1 if both are 0. */
  readonly ratio: Spread | null;
  /** The number of channels whose input was the same everywhere, so that the variance is 0. */
  readonly constant: number;
  /** Nodes that shared the mean and variance of this node before. It now has its own. */
  readonly shared: readonly string[];
}

export function calibratedRow(
  { name, layer }: ChosenNode,
  count: number,
  { mean, variance }: StoredStatistics,
  shared: readonly string[] = [],
): CalibrationRow {
  const { eps, statistics: old } = layer; // ONNX stores means and variances, so that the factor is 1
  const shift = mean.map((value, c) =>
    quotient(value - (old.mean[c] as number), Math.sqrt((variance[c] as number) + eps), 0),
  );
  const ratio = variance.map((value, c) => quotient(value, old.variance[c] as number, 1));
  return {
    node: name,
    status: "recalibrated",
    reason: "",
    channels: layer.channels,
    count,
    shift: spreadOf(shift),
    ratio: spreadOf(ratio),
    constant: variance.filter((value) => value === 0).length,
    shared,
  };
}

export function leftRow({ name, reason }: LeftNode): CalibrationRow {
  const none = { channels: 0, count: 0, shift: null, ratio: null, constant: 0, shared: [] };
  return { node: name, status: "left", reason, ...none };
}

/** x / y, or `both` if x and y are 0. */
function quotient(x: number, y: number, both: number): number {
  return x === 0 && y === 0 ? both : x / y;
}

function spreadOf(values: Float64Array): Spread {
  const sorted = values.slice().sort();
  const at = (i: number) => sorted[i] as number;
  return { least: at(0), median: at(sorted.length >> 1), most: at(sorted.length - 1) };
}
