import type { Backend, Dtype } from "@bn/core";
import type { Comparison } from "../../case.ts";
import { check, perChannel } from "../../truth/truth.ts";

/** One promise about memory, in one dtype. */
export interface MemoryRow {
  readonly name: string;
  readonly clause: string;
  run(backend: Backend, dtype: Dtype, seed: string): Promise<Comparison[]>;
}

/** Compares bit for bit. */
export function same(what: string, got: ArrayLike<number>, expected: ArrayLike<number>): Comparison {
  return check(
    what,
    got,
    { expected: new Float64Array(expected), bound: new Float64Array(expected.length) },
    perChannel(expected.length),
  );
}
