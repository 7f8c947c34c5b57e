import { type Blob, createBlob, type Dtype, type HostArray, type Layer } from "@bn/core";
import type { Comparison } from "../../case.ts";
import { exactly } from "../../truth/exact.ts";
import { withoutFused } from "../without-fused.ts";
import type { Call } from "./calls.ts";

interface Blobs {
  readonly layer: Layer;
  readonly bottoms: readonly Blob[];
  /** bottom[0], and bottom[1] if there is one. */
  readonly bottom: Blob;
  readonly factor: Blob | null;
  readonly top: Blob;
  /** propagateDown. */
  readonly down: readonly boolean[];
}

/**
 * In float32, at a mean of 10^6 deviations, the rounding of the mean is 0.06 deviations. Products of two such errors
 * then matter, and N-6 leaves them out. They also matter if two values are so near to each other that dx is 0. Near the
 * dtype's largest value, the square of the mean's rounding error is infinite.
 */
export function without(dtype: Dtype): readonly string[] {
  return dtype === "float32" ? ["edge", "offset-huge", "offset-1e6"] : ["edge", "offset-huge"];
}

/** The layer and its blobs. The first call of a row creates them, and a second call uses them as they are then. */
export function blobsFor({ bench, g, inPlace, option }: Call, make: () => Layer): Blobs {
  const { outer, channels, inner } = g;
  const has = wordsOf(option);
  const shape = has("rank-4")
    ? [1, outer, channels, inner]
    : has("two-axes")
      ? [outer, channels, 1, inner]
      : [outer, channels, inner];
  const backend = has("unfused") ? withoutFused(bench.backend) : bench.backend;
  const bottom = bench.own("bottom", () => createBlob(backend, shape, bench.dtype));
  const factor = has("two") ? bench.own("factor", () => createBlob(backend, [channels], bench.dtype)) : null;
  const top = inPlace ? bottom : bench.own("top", () => createBlob(backend, [0], bench.dtype));
  const bottoms = factor ? [bottom, factor] : [bottom];
  const layer = bench.own("layer", () => {
    const made = make();
    made.setUp(bottoms, [top]);
    return made;
  });
  bottom.reshape(shape);
  const down = [!has("no-down"), ...(factor ? [!has("no-down-1")] : [])];
  return { layer, bottoms, bottom, factor, top, down };
}

/** Runs forward and backward. `kept` compares what backward must not change. */
export async function runPasses(
  { inPlace }: Call,
  { layer, bottoms, bottom, top, down }: Blobs,
  x: HostArray,
  dy: HostArray,
) {
  bottom.write(x);
  layer.forward(bottoms, [top]);
  const y = await top.read();
  const old = inPlace ? dy : x;
  if (!down[0]) bottom.writeDiff(old);
  top.writeDiff(dy);
  layer.backward([top], down, bottoms);
  const dx = await bottom.readDiff();
  const kept = [exactly("top after backward", await top.read(), y)];
  if (!inPlace) kept.push(exactly("top.diff after backward", await top.readDiff(), dy));
  if (!down[0]) kept.push(exactly("bottom.diff without propagateDown", dx, old));
  return { y, dx, kept };
}

/** An option is a list of words. Everything that it does not name follows Caffe's defaults. */
export function wordsOf(option: string): (word: string) => boolean {
  const words = option.split(" ");
  return (word) => words.includes(word);
}

/**
 * L-5: diffs that were cleared are 0, including those of statistics, and the last blobs have the values that were
 * written.
 */
export async function cleared(layer: Layer, values: readonly HostArray[]): Promise<Comparison[]> {
  const { blobs } = layer;
  const first = blobs.length - values.length;
  for (const blob of blobs.slice(0, first)) blob.writeDiff(new Float32Array(blob.count()).fill(3));
  const before = await Promise.all(blobs.map((blob) => blob.read()));
  layer.clearParamDiffs();
  const done: Comparison[] = [];
  for (const [i, blob] of blobs.entries()) {
    const diff = await blob.readDiff();
    done.push(exactly(`blobs[${i}].diff cleared`, diff, diff.slice().fill(0)));
    const value = values[i - first] ?? before[i];
    done.push(exactly(`blobs[${i}] after clearParamDiffs`, await blob.read(), value as HostArray));
  }
  return done;
}
