import { withoutFused } from "@bn/conformance";
import type { Affine, Backend, DeviceBuffer, Geometry, HostArray, HostBuffer, Kernels } from "@bn/core";
import { createCpu } from "@bn/cpu";

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

/** cpu with some kernels replaced, and without its fused kernels, which would hide the replacement. */
export function kernels(
  bug: string,
  clause: string,
  replace: (real: CpuKernels) => Partial<CpuKernels>,
): BackendMutant {
  return {
    bug,
    clause,
    async create() {
      const cpu = withoutFused<Buffer>(await createCpu());
      return withParts(cpu, { kernels: { ...cpu.kernels, ...replace(cpu.kernels) } });
    },
  };
}

/** cpu with some of its fused kernels replaced. */
export function fused(bug: string, clause: string, replace: (real: Fused) => Partial<CpuKernels>): BackendMutant {
  return {
    bug,
    clause,
    async create() {
      const cpu: CpuBackend = await createCpu();
      const { forward, backward } = cpu.kernels;
      const real = { ...withoutFused(cpu).kernels, forward, backward } as Fused;
      return withParts(cpu, { kernels: { ...real, ...replace(real) } });
    },
  };
}

/** cpu with some of its memory functions replaced. */
export function memory(bug: string, clause: string, replace: (real: CpuBackend) => Partial<CpuBackend>): BackendMutant {
  return {
    bug,
    clause,
    async create() {
      const cpu: CpuBackend = await createCpu();
      return withParts(cpu, replace(cpu));
    },
  };
}

function withParts(backend: CpuBackend, parts: Partial<CpuBackend>): CpuBackend {
  return {
    name: backend.name,
    contractVersion: backend.contractVersion,
    supports: backend.supports,
    kernels: backend.kernels,
    get disposed() {
      return backend.disposed;
    },
    alloc: (dtype, length) => backend.alloc(dtype, length),
    owns: (buffer) => backend.owns(buffer),
    write: (target, source) => backend.write(target, source),
    read: (source, length) => backend.read(source, length),
    finish: () => backend.finish(),
    dispose: () => backend.dispose(),
    [Symbol.asyncDispose]: () => backend.dispose(),
    ...parts,
  };
}

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
