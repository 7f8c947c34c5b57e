import { BnError } from "../errors.ts";
import type { Part } from "./merge.ts";
import type { Block } from "./tree.ts";

/**
 * The result of `state()` and the argument of `loadStatistics`: plain objects, numbers and typed arrays, for structured
 * clone.
 */
export interface StatisticsState {
  readonly type: "statistics";
  readonly version: 1;
  readonly channels: number;
  readonly first: number;
  readonly batches: number;
  readonly blocks: readonly Block[];
}

export function fail(method: string, what: string): BnError {
  const where = method.startsWith("create") || method.startsWith("load") ? method : `Statistics ${method}`;
  return new BnError("ERR_BN_PARAM", `${where}: ${what}`);
}

/** Returns `part` with arrays of its own, or throws the error that says what is wrong with it. */
export function checkPart(where: string, part: Part, channels: number): Part {
  const bad = (what: string) => new BnError("ERR_BN_PARAM", `${where}: ${what}`);
  if (typeof part !== "object" || part === null) throw bad(`${String(part)}, expected { count, mean, meanLow, m2 }`);
  const { count } = part;
  if (!Number.isSafeInteger(count) || count < 0) throw bad(`count is ${count}, expected a whole number >= 0`);
  const vector = (name: "mean" | "meanLow" | "m2"): Float64Array => {
    const values: unknown = part[name];
    if (!(values instanceof Float64Array) || values.length !== channels) {
      const got = values instanceof Float64Array ? `${values.length} values` : Object.prototype.toString.call(values);
      throw bad(`${name} is ${got}, expected a Float64Array of ${channels}`);
    }
    return values.slice();
  };
  const checked = { count, mean: vector("mean"), meanLow: vector("meanLow"), m2: vector("m2") };
  const negative = checked.m2.findIndex((squares) => squares < 0);
  if (negative >= 0) throw bad(`m2[${negative}] is ${checked.m2[negative]}, expected a sum of squares`);
  return checked;
}

/**
 * Checks that `state()` could have returned this state: its blocks cover its batches, in order and without gaps, as the
 * tree would.
 */
export function checkState(where: string, state: StatisticsState | undefined): StatisticsState {
  const bad = (what: string) => new BnError("ERR_BN_PARAM", `${where}: ${what}; pass what state() returned`);
  if (typeof state !== "object" || state === null || state.type !== "statistics")
    throw bad("this is not a state of Statistics");
  if (state.version !== 1) throw bad(`version is ${state.version}, this release reads 1`);
  const { channels, first, batches, blocks } = state;
  if (!Number.isSafeInteger(channels) || channels < 1) throw bad(`channels is ${channels}`);
  if (!Number.isSafeInteger(first) || first < 0) throw bad(`first is ${first}`);
  if (!Array.isArray(blocks)) throw bad("blocks is not a list");
  let start = first;
  const checked = state.blocks.map((block, i) => {
    const { level } = block;
    const size = 2 ** level;
    if (!Number.isInteger(level) || level < 0 || level > 53 || block.start !== start || start % size !== 0) {
      throw bad(`blocks[${i}] begins at ${block.start} on level ${level}, expected ${start}`);
    }
    start += size;
    return { level, start: block.start, ...checkPart(`${where}: blocks[${i}]`, block, channels) };
  });
  if (start !== first + batches) throw bad(`its blocks end before batch ${start}, expected ${first + batches}`);
  return { type: "statistics", version: 1, channels, first, batches, blocks: checked };
}
