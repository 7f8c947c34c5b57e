import { BnError } from "@bn/core";
import { PAGE } from "./heap.ts";

export interface WasmOptions {
  /**
   * Threads that share the work, the calling one included: at most this many. Default: one for each processor, at most 4.
   * Where threads cannot be had there is one; `supports.threads` and `supports.details.threads` say so and why.
   */
  threads?: number;
  /** Bytes that linear memory may grow to, at most 4 GiB, the default. Shared memory reserves this much address space. */
  maxMemory?: number;
}

export const FOUR_GIB = 2 ** 32;
/** 1 MiB: scratch and a small model, before memory grows. */
export const FIRST_PAGES = 16;

/** What each option may be. */
const RULES = {
  threads: whole(1, 64, "threads"),
  maxMemory: whole((FIRST_PAGES + 1) * PAGE, FOUR_GIB, "bytes"),
};

function whole(least: number, most: number, unit: string) {
  return {
    expected: `a whole number from ${least} to ${most}, in ${unit}`,
    test: (value: unknown) => typeof value === "number" && Number.isInteger(value) && value >= least && value <= most,
  };
}

/** The options that are given, each read once. Errors: `ERR_BN_PARAM`. */
export function readWasmOptions(options: WasmOptions): WasmOptions {
  const no = (what: string) => {
    throw new BnError("ERR_BN_PARAM", `createWasm: ${what}`);
  };
  if (Object.prototype.toString.call(options) !== "[object Object]")
    return no(`options are ${String(options)}, expected an object`);
  const read: WasmOptions = {};
  for (const key in options)
    if (!Object.hasOwn(RULES, key)) no(`unknown option ${key}; the options are threads, maxMemory`);
  for (const key of ["threads", "maxMemory"] as const) {
    const value = options[key];
    if (value === undefined) continue;
    if (!RULES[key].test(value)) no(`${key} is ${String(value)}, expected ${RULES[key].expected}`);
    read[key] = value;
  }
  return read;
}
