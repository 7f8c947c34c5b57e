import type { StoredStatistics } from "./instrument.ts";
import type { ChosenNode, LeftNode } from "./nodes.ts";

/** How much a node's statistics changed, over its channels. */
export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

/** What became of one BatchNormalization. */
export interface CalibrationRow {
  readonly node: string;
  readonly status: "recalibrated" | "left";
  /** Why it was left; "" where it was not. */
  readonly reason: string;
  readonly channels: number;
  /** Values per channel. */
  readonly count: number;
  /** (new mean - old mean) / sqrt(new variance + eps). Null where it was left, as the rest. */
  readonly shift: Spread | null;
  /** New variance / old variance; 1 where both are 0. */
  readonly ratio: Spread | null;
  /** Channels whose input was the same everywhere: variance 0. */
  readonly constant: number;
  /** Nodes that read the same mean and variance before; since then it has its own. */
  readonly shared: readonly string[];
}

export function calibratedRow(
  { name, layer }: ChosenNode,
  count: number,
  { mean, variance }: StoredStatistics,
  shared: readonly string[] = [],
): CalibrationRow {
  const { eps } = layer;
  const old = {
    mean: oldOf(layer.statistics.mean, layer.statistics.factor),
    variance: oldOf(layer.statistics.variance, layer.statistics.factor),
  };
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

/** What a stored sum stands for: 0 where the factor is 0, as Caffe has it. */
function oldOf(sums: ArrayLike<number>, factor: number): Float64Array {
  return Float64Array.from(sums, (sum) => (factor === 0 ? 0 : sum / factor));
}

/** x / y; `both` where x and y are 0. */
function quotient(x: number, y: number, both: number): number {
  return x === 0 && y === 0 ? both : x / y;
}

function spreadOf(values: Float64Array): Spread {
  const sorted = values.slice().sort();
  const at = (i: number) => sorted[i] as number;
  return { least: at(0), median: at(sorted.length >> 1), most: at(sorted.length - 1) };
}
