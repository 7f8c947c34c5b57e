import type { Layer } from "./tools.ts";

export type LayerType = "BatchNorm" | "BatchNormScale" | "Scale";
export type Params = { readonly [name: string]: unknown };

/** One planted mistake of a layer, in how it uses its parameters or in what it does. */
export interface LayerMutant {
  readonly id: string;
  /** The name of the mistake without its place, by which the report counts. */
  readonly kind: string;
  readonly type: LayerType;
  /** The cases to try first: shapes with a dimension beyond this. */
  readonly above?: number;
  readonly params?: (given: Params) => Params;
  readonly plant?: <L extends Layer>(layer: L) => L;
}
