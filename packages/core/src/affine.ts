import type { Affine, DeviceBuffer } from "./backend.ts";
import type { Blob } from "./blob.ts";

/** gamma and beta, or their gradients, looked up in their blobs at each use: a buffer moves when its blob grows. */
export function affineOf(gamma: Blob, beta: Blob | null, part: "data" | "diff"): Affine<DeviceBuffer> {
  return {
    get gamma() {
      return gamma[part];
    },
    get beta() {
      return beta ? beta[part] : null;
    },
  };
}
