import { isNormRecord, type NormRecord, quotients } from "@bn/onnx";
import type { Network } from "../../net/network.ts";
import type { CaffeRecord } from "../record.ts";
import { kindOf, type Sample, spreadOf, spreadText } from "../spread.ts";

/**
 * Of a network, not of a layer: what is called a variance grows like one, and is of the size of one. The mean square that
 * goes into a convolution is near 1 in a network with BatchNorm; a hundred times less, where the factor would make up for
 * it, speaks of statistics that were divided already.
 */
const LEAST_LEVEL = 0.01;

export function spreadSuspicions(records: readonly CaffeRecord[], network: Network): string[] {
  const byName = new Map(network.layers.map((layer) => [layer.name, layer]));
  const norms = records
    .filter((record): record is CaffeRecord & NormRecord => isNormRecord(record))
    .filter(({ caffe, statistics }) => caffe.dialect !== "bn-inverse-std" && statistics.factor !== 0);
  const samples = norms.flatMap((record): Sample[] => {
    const layer = byName.get(record.name);
    return layer ? [{ layer, values: quotients(record).variance }] : [];
  });
  const spread = spreadOf(samples, network);
  if (!spread) return [];
  const found: string[] = [];
  const kind = kindOf(spread);
  if (kind === "std")
    found.push(`the variances look like standard deviations: ${spreadText(spread)}, and variances do with power 1`);
  if (kind === "inverse std") found.push(`the variances look like 1 / standard deviation: ${spreadText(spread)}`);
  const factors = norms.map(({ statistics }) => statistics.factor).sort((a, b) => a - b);
  const factor = factors[factors.length >> 1] as number;
  const undone = spread.level * factor;
  if (spread.level < LEAST_LEVEL && undone > LEAST_LEVEL && undone < 1 / LEAST_LEVEL) {
    const what = `divided by their factor (${factor.toPrecision(4)}) the variances are ${spread.level.toPrecision(2)} of the summed squares of the weights before them`;
    found.push(
      `the statistics look divided already: ${what}, undivided ${undone.toPrecision(2)}; in trained networks it is near 1`,
    );
  }
  return found;
}
