import type { Blob } from "@bn/core";
import type { LayerType } from "./mutant.ts";
import { type Layer, viewOf } from "./tools.ts";

export const NORMALIZING: readonly LayerType[] = ["BatchNorm", "BatchNormScale"];
export const SCALING: readonly LayerType[] = ["BatchNormScale", "Scale"];
export const ALL: readonly LayerType[] = ["BatchNorm", "BatchNormScale", "Scale"];

/** An action that a layer does in a wrong order, too often, not at all, or to another blob. */
export interface BehaviourFault {
  readonly name: string;
  readonly types: readonly LayerType[];
  readonly parts: (layer: Layer) => Partial<Layer>;
}

/** The learnt blobs: gamma and beta, if they exist. */
export const learnt = ({ gamma, beta }: Layer) => [gamma, beta].filter((blob) => blob !== null);
export const statistics = ({ blobs }: Layer) => blobs.slice(0, 3);
export const copies = (blobs: readonly Blob[], part: "data" | "diff") =>
  blobs.map((blob) => viewOf(blob, part).slice());
export const put = (blobs: readonly Blob[], part: "data" | "diff", values: readonly ArrayLike<number>[]) => {
  for (const [i, blob] of blobs.entries()) viewOf(blob, part).set(values[i] as ArrayLike<number>);
};
/** Sets each element of blobs from its value and the one in `prior`. */
export const combine = (
  blobs: readonly Blob[],
  part: "data" | "diff",
  prior: readonly ArrayLike<number>[],
  to: (now: number, old: number) => number,
) => {
  for (const [i, blob] of blobs.entries()) {
    const view = viewOf(blob, part);
    view.set(view.map((value, e) => to(value, prior[i]?.[e] as number)));
  }
};
export const swap = (a: Float32Array | Float64Array, b: Float32Array | Float64Array) => {
  const kept = a.slice();
  a.set(b);
  b.set(kept);
};
