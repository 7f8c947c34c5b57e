import type { Statistics } from "@bn/core";
import { dataError } from "../graph/errors.ts";
import { floatTypeOf, roundTo } from "../graph/float-types.ts";
import type { StoredStatistics } from "./instrument.ts";
import type { ChosenNode } from "./nodes.ts";
import type { SettledNode } from "./part.ts";

/**
 * The new statistics of a node: the mean, and m2 / (count - 1).
 *
 * Errors: `ERR_BN_DATA` if there are fewer than two values per channel, which have no unbiased variance.
 */
export function settle(node: ChosenNode, statistics: Statistics): SettledNode {
  const { count } = statistics;
  if (count < 2) {
    throw dataError(
      `BatchNormalization "${node.name}": ${count} ${count === 1 ? "value" : "values"} per channel in all the data, and the unbiased variance needs at least 2; give more samples`,
    );
  }
  return { node: node.name, count, mean: statistics.mean(), variance: statistics.variance({ unbiased: true }) };
}

/**
 * The new statistics as the model stores them, each rounded once. Errors: `ERR_BN_DATA` for a value beyond the range of
 * the type.
 */
export function storedOf(node: ChosenNode, { mean, variance }: SettledNode): StoredStatistics {
  const rounded = (what: string, values: Float64Array): Float64Array => {
    const stored = roundTo(node.dataType, values) ?? values;
    const c = stored.findIndex((value) => !Number.isFinite(value));
    if (c < 0) return stored;
    throw dataError(
      `BatchNormalization "${node.name}": the ${what} of channel ${c} is ${values[c]}, beyond the range of ${floatTypeOf(node.dataType)?.name}, the type in the model; store the statistics in float32`,
    );
  };
  return { mean: rounded("mean", mean), variance: rounded("variance", variance) };
}
