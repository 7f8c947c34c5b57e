import type { Backend, Dtype } from "@bn/core";
import type { Comparison } from "../../case.ts";

/** One promise about memory, in one dtype. */
export interface MemoryRow {
  readonly name: string;
  readonly clause: string;
  run(backend: Backend, dtype: Dtype, seed: string): Promise<Comparison[]>;
}
