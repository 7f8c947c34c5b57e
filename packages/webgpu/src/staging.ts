import type { Faults } from "./faults.ts";
import { USAGE } from "./usage.ts";

/** Buffers that the host can map. They are kept for the next read. */
export interface Staging {
  take(bytes: number): GPUBuffer;
  /** Keeps `buffer` for later if it is `sound`. */
  give(buffer: GPUBuffer, sound: boolean): void;
  clear(): void;
}

/** Larger buffers are not kept, because reading that much costs more than creating a buffer. */
const MOST_KEPT_BYTES = 1 << 20;
const MOST_KEPT = 4;
const LEAST_BYTES = 256;

export function createStaging(gpu: GPUDevice, faults: Faults): Staging {
  const kept: GPUBuffer[] = [];
  return {
    take(bytes) {
      const found = kept.findIndex((buffer) => buffer.size >= bytes);
      if (found >= 0) return kept.splice(found, 1)[0] as GPUBuffer;
      const size = Math.max(LEAST_BYTES, bytes <= MOST_KEPT_BYTES ? 2 ** Math.ceil(Math.log2(bytes)) : bytes);
      return faults.watch(`read of ${bytes} bytes`, () =>
        gpu.createBuffer({ label: `bn read ${size} bytes`, size, usage: USAGE.MAP_READ | USAGE.COPY_DST }),
      );
    },
    give(buffer, sound) {
      if (sound && buffer.mapState === "unmapped" && buffer.size <= MOST_KEPT_BYTES && kept.length < MOST_KEPT) {
        kept.push(buffer);
      } else buffer.destroy();
    },
    clear() {
      for (const buffer of kept) buffer.destroy();
      kept.length = 0;
    },
  };
}
