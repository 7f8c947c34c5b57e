import type { Geometry, HostArray } from "@bn/core";
import type { Comparison } from "../case.ts";
import { each } from "../truth/oracle.ts";
import { sameBits } from "./bits.ts";
import type { Output } from "./outputs.ts";
import { type Round, trainedTop } from "./recompute-trained.ts";
import type { GoldenBatchNorm, GoldenCase, GoldenScale, GoldenTensor } from "./types.ts";

/** What a layer of a golden case read at a step: golden values all, so that a wrong one stands for itself alone. */
interface Seen {
  readonly x: HostArray;
  /** What the golden says of its top. */
  readonly top: HostArray;
  readonly scale: HostArray | undefined;
  readonly g: Geometry;
  /** Before the step. */
  readonly blobs: readonly HostArray[];
}

/**
 * The outputs of Caffe that hold no sum, recomputed by plain IEEE operations rounded to the dtype, in Caffe's order:
 * global forward and backward, Scale's top and bottom diff, the factor, blobs that do not change, and the top of a batch
 * whose mean can be read from the blobs (G-6). The sign of
 * a zero is free: BLAS's scal by 0 gives 0 for negative numbers too.
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
  const golden = one.layers[layer] as GoldenBatchNorm | GoldenScale;
  const top = () => diffOfTop(one, step, layer);
  if (golden.type === "Scale") {
    if (kind === "top") return scaleTop(golden, seen, round);
    if (kind === "bottomDiff" && part === 0) return scaled(top(), scaleOf(golden, seen), null, seen.g, round);
    return kind === "blob" ? seen.blobs[part] : null;
  }
  const { useGlobalStats, fraction } = golden.effective;
  if (kind === "blob" && part === 2 && !useGlobalStats) {
    return [round(round((seen.blobs[2]?.[0] as number) * round(fraction)) + 1)];
  }
  if (!useGlobalStats) return kind === "top" ? trainedTop(golden, seen, blobsAfter(one, step, layer), round) : null;
  if (kind === "blob") return seen.blobs[part];
  return normalized(golden, seen, kind === "top" ? null : top(), tensor.data.length, round);
}

function seenBy({ steps, layers }: GoldenCase, step: number, layer: number): Seen {
  const at = steps[step];
  const forward = at?.op === "backward" ? at.forward : at?.op === "forward" ? at : null;
  if (!forward) throw new RangeError(`step ${step} has no forward`);
  const before = steps.slice(0, step).findLast((other) => other.op === "forward");
  const blobs = before?.op === "forward" ? before.blobs[layer] : layers[layer]?.initialBlobs;
  const x = (layer === 0 ? forward.inputs[0] : forward.tops[layer - 1]) as GoldenTensor;
  return {
    x: x.data,
    top: (forward.tops[layer] as GoldenTensor).data,
    scale: forward.inputs[1]?.data,
    g: forward.geometries[layer] as Geometry,
    blobs: (blobs ?? []).map(({ data }) => data),
  };
}

function blobsAfter({ steps }: GoldenCase, step: number, layer: number): HostArray[] {
  const at = steps[step];
  return (at?.op === "forward" ? (at.blobs[layer] ?? []) : []).map(({ data }) => data);
}

function diffOfTop({ steps }: GoldenCase, step: number, layer: number): HostArray {
  const at = steps[step];
  if (at?.op !== "backward") throw new RangeError(`step ${step} is no backward`);
  return (at.bottomDiffs[layer + 1]?.[0] ?? at.topDiff).data;
}

function scaleOf({ numBottoms }: GoldenScale, { scale, blobs }: Seen): HostArray {
  return (numBottoms === 2 ? scale : blobs[0]) as HostArray;
}

function scaleTop(golden: GoldenScale, seen: Seen, round: Round): Float64Array {
  const bias = golden.effective.biasTerm ? (seen.blobs[seen.blobs.length - 1] as HostArray) : null;
  return scaled(seen.x, scaleOf(golden, seen), bias, seen.g, round);
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
  { effective }: GoldenBatchNorm,
  { x, g, blobs }: Seen,
  dy: HostArray | null,
  length: number,
  round: Round,
): Float64Array {
  const [sums, squares, factor] = blobs as [HostArray, HostArray, HostArray];
  const weight = factor[0] === 0 ? 0 : round(1 / (factor[0] as number));
  const mean = Float64Array.from(sums, (v) => round(v * weight));
  const eps = round(effective.eps);
  const std = Float64Array.from(squares, (v) => round(Math.sqrt(round(round(v * weight) + eps))));
  const y = new Float64Array(length);
  each(g, (i, c) => {
    const value = dy ? (dy[i] as number) : round((x[i] as number) - (mean[c] as number));
    y[i] = round(value / (std[c] as number));
  });
  return y;
}
