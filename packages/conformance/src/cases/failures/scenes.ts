import { type Blob, createBatchNorm, createBatchNormScale, createScale, type Dtype, type Layer } from "@bn/core";
import { normals } from "../data.ts";
import type { Scope } from "../layer-kit.ts";

/** A call that needs memory, ready to be made, with every blob that it could change. */
export interface Scene {
  readonly blobs: readonly Blob[];
  call(): void;
}

/** The calls that a layer makes before the tested call, and that call itself. */
interface Setting {
  readonly name: string;
  readonly make: () => Layer;
  readonly inPlace: boolean;
  /** A Scale with bottom[1] as its scale. */
  readonly twoBottoms?: true;
}

const LAYERS: readonly Omit<Setting, "inPlace">[] = [
  { name: "BatchNorm/batch", make: () => createBatchNorm() },
  { name: "BatchNormScale/batch", make: () => createBatchNormScale({ biasTerm: true }) },
  { name: "BatchNormScale/global", make: () => createBatchNormScale({ biasTerm: true, phase: "test" }) },
  { name: "Scale", make: () => createScale({ biasTerm: true }) },
  { name: "Scale/two-bottoms", make: () => createScale({ biasTerm: true }), twoBottoms: true },
];

export const SETTINGS: readonly Setting[] = LAYERS.flatMap((layer) =>
  [false, true].map((inPlace) => ({ ...layer, name: `${layer.name}/${inPlace ? "in-place" : "apart"}`, inPlace })),
);

export const CALLS = ["setUp", "forward", "backward"] as const;
export type Call = (typeof CALLS)[number];

/** Two channels-first shapes. The second needs more memory for every tensor, but has no more channels. */
const SMALL = [2, 3, 4];
const LARGE = [5, 3, 7];

/** The layer has run over a small batch. The call is the first one over a larger batch, or a backward after it. */
export function sceneOf(
  scope: Scope,
  { make, inPlace, twoBottoms }: Setting,
  call: Call,
  dtype: Dtype,
  seed: string,
): Scene {
  const fill = (blob: Blob, tag: string) => blob.write(normals(`${seed}|${tag}`, blob.count(), dtype));
  const layer = scope.own(make());
  const x = scope.blob(SMALL);
  const y = inPlace ? x : scope.blob();
  const bottoms = twoBottoms ? [x, scope.blob([3])] : [x];
  const down = bottoms.map(() => true);
  for (const [i, blob] of bottoms.entries()) fill(blob, `bottom ${i}`);
  layer.setUp(bottoms, [y]);
  layer.forward(bottoms, [y]);
  const blobs = [...new Set([...bottoms, y])];
  if (call === "setUp") return { blobs, call: () => layer.setUp(bottoms, [y]) };
  x.reshape(LARGE);
  fill(x, "large");
  const state = [...blobs, ...layer.blobs];
  if (call === "forward") return { blobs: state, call: () => layer.forward(bottoms, [y]) };
  layer.forward(bottoms, [y]);
  y.writeDiff(normals(`${seed}|dy`, y.count(), dtype));
  return { blobs: state, call: () => layer.backward([y], down, bottoms) };
}
