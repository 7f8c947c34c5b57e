import type { Run } from "../layer-kit.ts";

/** One promise about memory. */
export interface MemoryRow {
  readonly name: string;
  readonly clause: string;
  readonly run: Run;
}
