import { BnError } from "@bn/core";
import { nodeThreads } from "./host.ts";
import { threadsOff } from "./shared-memory.ts";

/** The features of this runtime. */
export interface Features {
  readonly processors: number;
  /** The reason why there can be only one thread, or null. */
  readonly threadsOff: string | null;
}

/**
 * A function that splats a number over 128 bits, counts their bits, and notifies a waiter in memory that is not shared. It
 * is valid only if the runtime has the SIMD and the atomic instructions that the kernels need.
 */
const KERNELS = [
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 0, 10, 20, 1, 18, 0],
  ...[65, 0, 253, 15, 253, 98, 26],
  ...[65, 0, 65, 0, 254, 0, 2, 0, 26, 11],
];

/** Errors: `ERR_BN_UNAVAILABLE` without WebAssembly, its SIMD or its atomic instructions. */
export function features(): Features {
  if (typeof WebAssembly !== "object") {
    throw new BnError(
      "ERR_BN_UNAVAILABLE",
      "createWasm: WebAssembly is missing in this runtime, or disabled; enable it (in Node, do not pass --jitless), or use @bn/cpu",
    );
  }
  if (!WebAssembly.validate(Uint8Array.from(KERNELS))) {
    throw new BnError(
      "ERR_BN_UNAVAILABLE",
      "createWasm: this runtime does not support WebAssembly with 128-bit SIMD and atomic instructions; use Node 20 or later, a browser of 2023 or later, or @bn/cpu",
    );
  }
  return {
    processors: nodeThreads()?.processors ?? globalThis.navigator?.hardwareConcurrency ?? 1,
    threadsOff: threadsOff(),
  };
}
