import { decodeBlob, type Network, type NetworkLayer } from "@bn/caffe";
import { random } from "@bn/conformance";
import { exactly, type Tensor } from "./bounded.ts";
import { REFERENCE } from "./layers.ts";

/** The blobs of a layer, rounded to float32. */
export function blobsOf({ blobs }: NetworkLayer): Tensor[] {
  return blobs.map((bytes) => {
    const { shape, data, legacy } = decodeBlob(bytes);
    const ones = legacy ? shape.findIndex((size) => size !== 1) : 0;
    return exactly(legacy ? shape.slice(ones < 0 ? 3 : ones) : shape, Float32Array.from(data));
  });
}

/** The tops of one layer, by Caffe's formula. */
export function runLayer(layer: NetworkLayer, bottoms: readonly Tensor[]): readonly Tensor[] {
  const reference = REFERENCE[layer.type];
  if (!reference) throw new Error(`no formula of ${layer.type}`);
  return reference({ layer: layer.param, bottoms, blobs: blobsOf(layer) });
}

/** A whole network in float64, with each value's bound for a float32 run, by layer and top. */
export function runNetwork({ layers }: Network, inputs: Readonly<Record<string, Tensor>>): ReadonlyMap<string, Tensor> {
  const values = new Map<string, Tensor>();
  for (const layer of layers) {
    const tops =
      layer.bottoms.length === 0
        ? layer.tops.map((blob) => inputs[blob] as Tensor)
        : runLayer(
            layer,
            layer.bottoms.map((wire) => values.get(`${wire.layer}.${wire.top}`) as Tensor),
          );
    for (const [i, top] of tops.entries()) values.set(`${layer.index}.${i}`, top);
  }
  return values;
}

/**
 * How far apart float32 runs of a network may be, measured: the largest deviation of each value over `runs` runs in
 * float64, in which every layer's result is changed at random within the layer's own bound. The bound of the whole
 * network takes the worst case at every step, so over tens of layers it grows a thousandfold and is useless.
 */
export function spreadOf(
  network: Network,
  inputs: Readonly<Record<string, Tensor>>,
  values: ReadonlyMap<string, Tensor>,
  runs: number,
): ReadonlyMap<string, number> {
  const { uniform } = random("spread");
  const spread = new Map<string, number>();
  for (let run = 0; run < runs; run++) {
    const moved = new Map<string, Tensor>();
    for (const layer of network.layers) {
      const bottoms = layer.bottoms.map((wire) => moved.get(`${wire.layer}.${wire.top}`) as Tensor);
      const tops = bottoms.length === 0 ? layer.tops.map((blob) => inputs[blob] as Tensor) : runLayer(layer, bottoms);
      for (const [i, { shape, value, error }] of tops.entries()) {
        const key = `${layer.index}.${i}`;
        const other = value.map((v, k) => v + (2 * uniform() - 1) * (error[k] as number));
        moved.set(key, exactly(shape, other));
        spread.set(key, Math.max(spread.get(key) ?? 0, largestDifference(other, (values.get(key) as Tensor).value)));
      }
    }
  }
  return spread;
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] as number) - (b[i] as number));
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}
