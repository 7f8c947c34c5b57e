import { type Blob, createBatchNorm, createBatchNormScale, createScale, type Dtype, type Layer } from "@bn/core";
import { normals } from "../data.ts";
import type { Scope } from "../layer-kit.ts";

/** A call that needs memory, ready to be made, and every blob that it could change. */
export interface Scene {
  readonly blobs: readonly Blob[];
  call(): void;
}

/** What a layer does before and in the call. */
interface Setting {
  readonly name: string;
  readonly make: () => Layer;
  readonly inPlace: boolean;
  /** A Scale whose scale is bottom[1]. */
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

/** Two channels-first shapes: the second needs more of every tensor, and no more of any channel. */
const SMALL = [2, 3, 4];
const LARGE = [5, 3, 7];

/** The layer has run over a small batch; the call is the first over a larger one, or a backward after that. */
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
