import type { Geometry, HostArray } from "@bn/core";
import type { Comparison } from "../case.ts";
import { each } from "../truth/oracle.ts";
import { sameBits } from "./bits.ts";
import type { Output } from "./outputs.ts";
import { type Round, trainedTop } from "./recompute-trained.ts";
import { biasOf, scaleOf, seenBy } from "./seen.ts";
import type { GoldenCase, GoldenLayer, GoldenTensor } from "./types.ts";

/**
 * Recomputes those of Caffe's outputs that involve no sum, by plain IEEE operations rounded to the dtype, in Caffe's
 * order: global forward and backward, Scale's top and bottom diff, the factor, blobs that do not change, and the top of
 * a batch whose mean can be read from the blobs (G-6). The sign of a zero is not compared, because BLAS's scal by 0
 * also gives 0 for negative numbers.
 */
export function recomputed(one: GoldenCase, outputs: readonly Output[]): Comparison[] {
  const round: Round = one.dtype === "float32" ? Math.fround : (value) => value;
  const found: Comparison[] = [];
  for (const output of outputs) {
    const values = recompute(one, output, round);
    if (!values) continue;
    const expected = one.dtype === "float32" ? Float32Array.from(values) : Float64Array.from(values);
    found.push(sameBits(`${output.what}, recomputed`, output.tensor.data, expected, output.geometry));
  }
  return found;
}

function recompute(one: GoldenCase, { kind, part, step, layer, tensor }: Output, round: Round) {
  const seen = seenBy(one, step, layer);
  const { geometry: g, bottom, topDiff } = seen;
  const x = (bottom[0] as GoldenTensor).data;
  const dy = topDiff?.data ?? null;
  const blobs = seen.blobs.map(({ data }) => data);
  const golden = one.layers[layer] as GoldenLayer;
  if (golden.type === "Scale") {
    if (kind === "top") return scaled(x, scaleOf(seen), biasOf(seen, golden.effective), g, round);
    if (kind === "bottomDiff" && part === 0) return scaled(dy as HostArray, scaleOf(seen), null, g, round);
    return kind === "blob" ? blobs[part] : null;
  }
  const { useGlobalStats, fraction, eps } = golden.effective;
  if (useGlobalStats) return kind === "blob" ? blobs[part] : normalized(x, blobs, eps, dy, g, round);
  if (kind === "blob" && part === 2) return [round(round((blobs[2]?.[0] as number) * round(fraction)) + 1)];
  return kind === "top"
    ? trainedTop(golden, { x, top: tensor.data, g, blobs }, blobsAfter(one, step, layer), round)
    : null;
}

function blobsAfter({ steps }: GoldenCase, step: number, layer: number): HostArray[] {
  const at = steps[step];
  return (at?.op === "forward" ? (at.blobs[layer] ?? []) : []).map(({ data }) => data);
}

function scaled(x: HostArray, scale: HostArray, bias: HostArray | null, g: Geometry, round: Round): Float64Array {
  const y = new Float64Array(x.length);
  each(g, (i, c) => {
    const product = round((x[i] as number) * (scale[c] as number));
    y[i] = bias ? round(product + (bias[c] as number)) : product;
  });
  return y;
}

/** (x - mean) / std, or dy / std. */
function normalized(
  x: HostArray,
  blobs: readonly HostArray[],
  eps: number,
  dy: HostArray | null,
  g: Geometry,
  round: Round,
): Float64Array {
  const [sums, squares, factor] = blobs as [HostArray, HostArray, HostArray];
  const weight = factor[0] === 0 ? 0 : round(1 / (factor[0] as number));
  const mean = Float64Array.from(sums, (v) => round(v * weight));
  const std = Float64Array.from(squares, (v) => round(Math.sqrt(round(round(v * weight) + round(eps)))));
  const y = new Float64Array(x.length);
  each(g, (i, c) => {
    const value = dy ? (dy[i] as number) : round((x[i] as number) - (mean[c] as number));
    y[i] = round(value / (std[c] as number));
  });
  return y;
}
