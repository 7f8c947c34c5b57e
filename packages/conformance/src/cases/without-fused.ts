import type { Backend, DeviceBuffer, Kernels } from "@bn/core";
import { over } from "../over.ts";

/** The same backend without its fused kernels, so that layers call the single kernels (K-10). */
export function withoutFused<B extends DeviceBuffer>(backend: Backend<B>): Backend<B> {
  const kernels: Kernels<B> = over(backend.kernels, { forward: undefined, backward: undefined });
  return over(backend, { kernels });
}
