import { BnError } from "@bn/core";
import { relaxedSimd, simd, threads } from "wasm-feature-detect";
import { nodeThreads } from "./host.ts";

/** What this runtime has. */
export interface Features {
  readonly relaxedSimd: boolean;
  readonly processors: number;
  /** Why there can be but one thread, or null. */
  readonly threadsOff: string | null;
}

/** Errors: `ERR_BN_UNAVAILABLE` without WebAssembly or without its SIMD. */
export async function features(): Promise<Features> {
  if (typeof WebAssembly !== "object") {
    throw new BnError(
      "ERR_BN_UNAVAILABLE",
      "createWasm: this runtime has no WebAssembly, or it is disabled; enable it (in Node do not pass --jitless), or use @bn/cpu",
    );
  }
  if (!(await simd())) {
    throw new BnError(
      "ERR_BN_UNAVAILABLE",
      "createWasm: this runtime compiles no WebAssembly with 128-bit SIMD; use Node 20 or later, a browser of 2023 or later, or @bn/cpu",
    );
  }
  return {
    relaxedSimd: await relaxedSimd(),
    processors: processors(),
    threadsOff: await threadsOff(),
  };
}

async function threadsOff(): Promise<string | null> {
  if (typeof SharedArrayBuffer !== "function" || globalThis.crossOriginIsolated === false) {
    return "off: no shared memory; serve the page cross-origin isolated (COOP: same-origin, COEP: require-corp)";
  }
  if (!(await threads())) return "off: this runtime has no shared WebAssembly memory";
  if (nodeThreads() === null && typeof Worker !== "function") {
    return "off: no workers; in Node use 20.16 or later";
  }
  return null;
}

function processors(): number {
  return nodeThreads()?.processors ?? globalThis.navigator?.hardwareConcurrency ?? 1;
}
