import type { Backend, DeviceBuffer, Kernels } from "@bn/core";

/** The same backend without its fused kernels, so that layers call the single kernels (K-10). */
export function withoutFused<B extends DeviceBuffer>(backend: Backend<B>): Backend<B> {
  const k = backend.kernels;
  // The kernels are bound one by one, because they may be methods of a class: a spread would not copy them, and they
  // need their `this`.
  const kernels: Kernels<B> = {
    moments: (...operands) => k.moments(...operands),
    ...(k.splitMoments && { splitMoments: (...operands) => k.splitMoments?.(...operands) }),
    normalize: (...operands) => k.normalize(...operands),
    gradSums: (...operands) => k.gradSums(...operands),
    gradNormalize: (...operands) => k.gradNormalize(...operands),
    scale: (...operands) => k.scale(...operands),
    scaleSums: (...operands) => k.scaleSums(...operands),
    movingAverage: (...operands) => k.movingAverage(...operands),
    globalStats: (...operands) => k.globalStats(...operands),
    copy: (...operands) => k.copy(...operands),
    fill: (...operands) => k.fill(...operands),
  };
  return {
    name: backend.name,
    contractVersion: backend.contractVersion,
    supports: backend.supports,
    kernels,
    get disposed() {
      return backend.disposed;
    },
    alloc: (dtype, length) => backend.alloc(dtype, length),
    owns: (buffer) => backend.owns(buffer),
    reserve: (dtype, g) => backend.reserve?.(dtype, g),
    get faults() {
      return backend.faults ?? 0;
    },
    write: (target, source) => backend.write(target, source),
    read: (source, length) => backend.read(source, length),
    finish: () => backend.finish(),
    dispose: () => backend.dispose(),
    [Symbol.asyncDispose]: () => backend.dispose(),
  };
}
