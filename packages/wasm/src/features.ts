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
 * A function that splats a number over 128 bits and counts their bits. It is valid only if the runtime has the SIMD
 * that the kernels need.
 */
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
];

/** Errors: `ERR_BN_UNAVAILABLE` without WebAssembly or without its SIMD. */
export function features(): Features {
  if (typeof WebAssembly !== "object") {
    throw new BnError(
      "ERR_BN_UNAVAILABLE",
      "createWasm: WebAssembly is missing in this runtime, or disabled; enable it (in Node, do not pass --jitless), or use @bn/cpu",
    );
  }
  if (!WebAssembly.validate(Uint8Array.from(SIMD))) {
    throw new BnError(
      "ERR_BN_UNAVAILABLE",
      "createWasm: this runtime does not support WebAssembly with 128-bit SIMD; use Node 20 or later, a browser of 2023 or later, or @bn/cpu",
    );
  }
  return {
    processors: nodeThreads()?.processors ?? globalThis.navigator?.hardwareConcurrency ?? 1,
    threadsOff: threadsOff(),
  };
}
