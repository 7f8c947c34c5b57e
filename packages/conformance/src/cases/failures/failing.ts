import { type Backend, BnError } from "@bn/core";

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
  const backend: Backend = {
    name: real.name,
    contractVersion: real.contractVersion,
    supports: real.supports,
    get kernels() {
      return real.kernels;
    },
    get disposed() {
      return real.disposed;
    },
    get faults() {
      return real.faults ?? 0;
    },
    alloc(dtype, length) {
      ask("alloc");
      return real.alloc(dtype, length);
    },
    owns: (buffer) => real.owns(buffer),
    reserve(dtype, g) {
      ask("reserve");
      real.reserve?.(dtype, g);
    },
    write: (target, source) => real.write(target, source),
    read: (source, length) => real.read(source, length),
    finish: () => real.finish(),
    dispose: () => real.dispose(),
    [Symbol.asyncDispose]: () => real.dispose(),
  };
  return {
    backend,
    allow(calls) {
      left = calls;
    },
  };
}
