import type { Mutant } from "../generated/generate.ts";
import { over } from "../over.ts";
import type { Real } from "./call-fault.ts";
import { STATISTICS } from "./statistics-calls.ts";
import { MAPS, REDUCTIONS } from "./tensor-calls.ts";

/** Mistakes about absent operands, about numbers, and about state left by an earlier call. */
export function callMutants(): Mutant[] {
  return [...REDUCTIONS, ...MAPS, ...STATISTICS].map(({ bug, kernel, plant }) => ({
    id: `${kernel}: ${bug}`,
    kind: bug,
    kernel,
    hint: { dimension: "channels", above: 16 },
    dtype: null,
    plant: ({ kernels }) => over(kernels, plant(over(kernels, {}) as Real)),
  }));
}
