import type { HostKernels } from "../generated/operands.ts";

export type Real = Required<HostKernels>;

/** A kernel that calls the real one with other arguments, or changes its results. */
export interface CallFault {
  readonly bug: string;
  readonly kernel: string;
  plant(real: Real): Partial<HostKernels>;
}

export const fault = <K extends keyof Real>(kernel: K, bug: string, call: (real: Real) => Real[K]): CallFault => ({
  bug,
  kernel,
  plant: (real) => ({ [kernel]: call(real) }),
});
