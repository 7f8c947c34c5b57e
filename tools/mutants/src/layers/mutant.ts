import type { Layer } from "./tools.ts";

export type LayerType = "BatchNorm" | "BatchNormScale" | "Scale";
export type Params = { readonly [name: string]: unknown };

/** One planted mistake of a layer: in what it makes of its parameters, or in what it does. */
export interface LayerMutant {
  readonly id: string;
  /** What one would call the mistake, without its place: what the report counts. */
  readonly kind: string;
  readonly type: LayerType;
  /** Where to look first: in shapes with a dimension beyond. */
  readonly above?: number;
  readonly params?: (given: Params) => Params;
  readonly plant?: <L extends Layer>(layer: L) => L;
}
