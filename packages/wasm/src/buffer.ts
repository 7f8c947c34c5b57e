import type { HostBuffer } from "@bn/core";

/** A block of linear memory. */
export interface WasmBuffer extends HostBuffer {
  /** The address that kernels get. Throws `ERR_BN_DISPOSED` after disposal. */
  readonly address: number;
}
