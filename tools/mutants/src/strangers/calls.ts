import type { HostBuffer, Kernels } from "@bn/core";
import type { Mutant } from "../generated/generate.ts";
import type { HostBackend, HostKernels } from "../generated/operands.ts";
import { STATISTICS } from "./statistics-calls.ts";
import { MAPS, REDUCTIONS } from "./tensor-calls.ts";

/** A kernel that calls the real one with other arguments. */
export interface CallFault {
  readonly bug: string;
  readonly kernel: keyof HostKernels & Mutant["kernel"];
  plant(real: Kernels<HostBuffer>, backend: HostBackend): Partial<HostKernels>;
}

/** Mistakes about absent operands, about numbers, and about state left by an earlier call. */
export function callMutants(): Mutant[] {
  return [...REDUCTIONS, ...MAPS, ...STATISTICS].map(({ bug, kernel, plant }) => ({
    id: `${kernel}: ${bug}`,
    kind: bug,
    kernel,
    hint: { dimension: "channels", above: 16 },
    dtype: null,
    plant: (backend) => withKernels(backend.kernels, plant(boundTo(backend.kernels), backend)),
  }));
}

function boundTo<K extends object>(kernels: K): K {
  return withKernels(kernels, {});
}

/** The kernels, some of them replaced. */
export function withKernels<K extends object>(kernels: K, parts: Partial<K>): K {
  return new Proxy(kernels, {
    get(target, name) {
      const value: unknown = Reflect.get(Object.hasOwn(parts, name) ? parts : target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
