import { isNormRecord, type NormRecord, quotients } from "@bn/onnx";
import type { Network } from "../../net/network.ts";
import type { CaffeRecord } from "../record.ts";
import { kindOf, type Sample, spreadOf, spreadText } from "../spread.ts";

/**
 * Checks a whole network: values that are called variances must grow and be as large as variances. In a network with
 * BatchNorm, the mean square of a convolution's input is near 1. If it is a hundred times smaller, and the factor would
 * account for that, the statistics were already divided.
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
    found.push(`the variances look like standard deviations: ${spreadText(spread)}, and variances grow with power 1`);
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
