import { BnError, type DeviceBuffer } from "@bn/core";
import type { Faults } from "./faults.ts";
import type { Queue } from "./queue.ts";
import { USAGE } from "./usage.ts";

/** Float32 values in a GPUBuffer. */
export interface WebGpuBuffer extends DeviceBuffer {
  readonly dtype: "float32";
  /**
   * The buffer itself, for pipelines of your own on `backend.device` (usage STORAGE, COPY_SRC, COPY_DST). Each look
   * submits what is queued, so that work you submit next comes after it: look anew whenever it is your turn.
   */
  readonly gpuBuffer: GPUBuffer;
}

/** What kernels see: the buffer without a submit, and a number that names it in caches. */
export interface Storage extends WebGpuBuffer {
  readonly raw: GPUBuffer;
  readonly id: number;
}

/** The usage of a buffer of values. */
const DATA = USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST;

export interface Buffers {
  alloc(length: number): Storage;
  /** `raw` stays its owner's: disposing the result does not destroy it. */
  adopt(raw: GPUBuffer): Storage;
  /** Whether `buffer` is one of these and not disposed. */
  owns(buffer: unknown): buffer is Storage;
  /** Destroys every buffer that was not disposed. */
  clear(): void;
}

export function createBuffers(device: GPUDevice, queue: Queue, faults: Faults): Buffers {
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  const mostBytes = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  const alive = new Set<Storage>();
  let ids = 0;

  function storage(raw: GPUBuffer, length: number, owned: boolean): Storage {
    const dispose = () => {
      if (alive.delete(buffer) && owned) queue.destroy(raw);
    };
    const buffer: Storage = {
      dtype: "float32",
      length,
      raw,
      id: ids++,
      get gpuBuffer() {
        queue.flush();
        return raw;
      },
      dispose,
      [Symbol.dispose]: dispose,
    };
    alive.add(buffer);
    return buffer;
  }

  return {
    alloc(length) {
      const size = Math.max(16, Math.ceil(length / 4) * 16); // whole vectors of four
      if (size > mostBytes) {
        throw new BnError(
          "ERR_BN_MEMORY",
          `webgpu alloc: ${length} values need ${size} bytes, this device binds at most ${mostBytes} (${mostBytes / 4} values); split the batch`,
        );
      }
      const raw = faults.watch(`alloc of ${size} bytes`, () =>
        device.createBuffer({ label: `bn ${length} values`, size, usage: DATA }),
      );
      return storage(raw, length, true);
    },
    adopt(raw) {
      const { size, usage } = raw;
      if ((usage & DATA) !== DATA) {
        throw new BnError(
          "ERR_BN_BACKEND",
          `webgpu adopt: the buffer's usage is 0x${usage.toString(16)}, expected STORAGE, COPY_SRC and COPY_DST (0x${DATA.toString(16)})`,
        );
      }
      if (size % 4 !== 0 || size > mostBytes) {
        throw new BnError(
          "ERR_BN_SHAPE",
          `webgpu adopt: the buffer has ${size} bytes, expected a multiple of 4 and at most ${mostBytes}`,
        );
      }
      return storage(raw, size / 4, false);
    },
    owns: (buffer: unknown): buffer is Storage => (alive as Set<unknown>).has(buffer),
    clear() {
      for (const buffer of alive) buffer.dispose();
    },
  };
}
