import { type OptionRules, readOptions } from "@bn/core";
import { PAGE } from "./heap.ts";
import { MOST_THREADS } from "./layout.ts";

export interface WasmOptions {
  /**
   * The most threads that share the work, including the calling one. Default: one per processor, at most 4. If threads
   * are not available, there is one thread; `supports.threads` and `supports.details.threads` say so and why.
   */
  threads?: number;
  /**
   * The bytes that linear memory may grow to, at most 4 GiB, which is the default. Shared memory reserves this much
   * address space.
   */
  maxMemory?: number;
}

export const FOUR_GIB = 2 ** 32;
/** 1 MiB, which holds scratch and a small model before memory has to grow. */
export const FIRST_PAGES = 16;

/** The rule of each option. */
const RULES: OptionRules = {
  threads: {
    ...whole(1, MOST_THREADS, "threads"),
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

/** Returns the given options after checking them; each is read once. Errors: `ERR_BN_PARAM`. */
export function readWasmOptions(options: WasmOptions): WasmOptions {
  return readOptions("createWasm", options, RULES);
}
