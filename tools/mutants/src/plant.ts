import { withoutFused } from "@bn/conformance";
import type { Affine, Backend, DeviceBuffer, Geometry, HostArray, HostBuffer, Kernels } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { over } from "./over.ts";

export type Buffer = DeviceBuffer & HostBuffer;
type CpuBackend = Backend<Buffer>;
export type CpuKernels = Kernels<Buffer>;
export type Fused = Required<Omit<CpuKernels, "splitMoments">>;

/** A backend with one planted bug. Each is a bug that some library has shipped, or nearly shipped. */
export interface BackendMutant {
  readonly bug: string;
  /** The clause that is violated; a case of this clause must fail. */
  readonly clause: string;
  readonly create: () => Promise<Backend>;
}

const mutant = (bug: string, clause: string, plant: (cpu: CpuBackend) => CpuBackend): BackendMutant => ({
  bug,
  clause,
  create: async () => plant(await createCpu()),
});

/** cpu with some kernels replaced, and without its fused kernels, which would hide the replacement. */
export const kernels = (bug: string, clause: string, replace: (real: CpuKernels) => Partial<CpuKernels>) =>
  mutant(bug, clause, (cpu) => {
    const single = withoutFused(cpu);
    return over(single, { kernels: over(single.kernels, replace(single.kernels)) });
  });

/** cpu with some of its fused kernels replaced. */
export const fused = (bug: string, clause: string, replace: (real: Fused) => Partial<CpuKernels>) =>
  mutant(bug, clause, (cpu) => over(cpu, { kernels: over(cpu.kernels, replace(cpu.kernels as Fused)) }));

/** cpu with some of its memory functions replaced. */
export const memory = (bug: string, clause: string, replace: (real: CpuBackend) => Partial<CpuBackend>) =>
  mutant(bug, clause, (cpu) => over(cpu, replace(cpu)));

/** A copy of a buffer with the same dtype and other values. */
export function scratch(like: Buffer, values: HostArray): Buffer {
  return { dtype: like.dtype, length: values.length, view: values, dispose() {}, [Symbol.dispose]() {} };
}

export function mapped(buffer: Buffer, length: number, value: (old: number, i: number) => number): Buffer {
  return scratch(buffer, buffer.view.slice(0, length).map(value));
}

export function each({ outer, channels, inner }: Geometry, visit: (i: number, c: number) => void): void {
  for (let i = 0; i < outer * channels * inner; i++) visit(i, Math.floor(i / inner) % channels);
}

export const fround = Math.fround;
export const at = (buffer: Buffer, i: number): number => buffer.view[i] as number;
export const gammaAt = (affine: Affine<Buffer> | null, c: number): number => (affine ? at(affine.gamma, c) : 1);
export const betaAt = (affine: Affine<Buffer> | null, c: number): number => (affine?.beta ? at(affine.beta, c) : 0);

/** Sums of `term` per channel, in the type of `total` and one term after another. */
export function sums<A extends HostArray = Float64Array>(
  { outer, channels, inner }: Geometry,
  term: (i: number, c: number) => number,
  total: A = new Float64Array(channels) as A,
): A {
  each({ outer, channels, inner }, (i, c) => {
    total[c] = (total[c] as number) + term(i, c);
  });
  return total;
}
