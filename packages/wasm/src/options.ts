import { type OptionRules, readOptions } from "@bn/core";
import { PAGE } from "./heap.ts";

export interface WasmOptions {
  /**
   * Threads that share the work, the calling one included: at most this many. Default: one for each processor, at most 4.
   * Where threads are not available there is one; `supports.threads` and `supports.details.threads` say so and why.
   */
  threads?: number;
  /** Bytes that linear memory may grow to, at most 4 GiB, the default. Shared memory reserves this much address space. */
  maxMemory?: number;
}

export const FOUR_GIB = 2 ** 32;
/** 1 MiB: scratch and a small model, before memory grows. */
export const FIRST_PAGES = 16;

/** What each option may be. */
const RULES: OptionRules = {
  threads: {
    ...whole(1, 64, "threads"),
    aliases: { workers: "", numThreads: "", concurrency: "" },
  },
  maxMemory: {
    ...whole((FIRST_PAGES + 1) * PAGE, FOUR_GIB, "bytes"),
    aliases: { memory: "in bytes", maximum: "in bytes, not in pages" },
  },
};

function whole(least: number, most: number, unit: string) {
  return {
    expected: `a whole number from ${least} to ${most}, in ${unit}`,
    test: (value: unknown) => typeof value === "number" && Number.isInteger(value) && value >= least && value <= most,
  };
}

/** The options that are given, each read once. Errors: `ERR_BN_PARAM`. */
export function readWasmOptions(options: WasmOptions): WasmOptions {
  return readOptions("createWasm", options, RULES);
}
