import type { HostBuffer } from "@bn/core";

/** A block of linear memory. */
export interface WasmBuffer extends HostBuffer {
  /** Where it lies: what kernels are given. Throws `ERR_BN_DISPOSED` after disposal. */
  readonly address: number;
}
