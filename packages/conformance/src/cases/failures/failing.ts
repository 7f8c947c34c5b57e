import { type Backend, BnError } from "@bn/core";
import { over } from "../../over.ts";

/** The same backend, with memory that can be made to run out. */
export interface Failing {
  readonly backend: Backend;
  /** Sets the number of calls of `alloc` and `reserve` that succeed from now on. */
  allow(calls: number): void;
}

export function failing(real: Backend): Failing {
  let left = Number.POSITIVE_INFINITY;
  const ask = (method: string) => {
    if (left <= 0) throw new BnError("ERR_BN_MEMORY", `${real.name} ${method}: no memory, as this case wants it`);
    left--;
  };
  const backend = over(real, {
    alloc(dtype, length) {
      ask("alloc");
      return real.alloc(dtype, length);
    },
    reserve(dtype, g) {
      ask("reserve");
      real.reserve?.(dtype, g);
    },
  });
  return {
    backend,
    allow(calls) {
      left = calls;
    },
  };
}
