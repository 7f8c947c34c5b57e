import { BnError, type DeviceBuffer } from "@bn/core";
import type { Faults } from "./faults.ts";
import type { Queue } from "./queue.ts";
import { USAGE } from "./usage.ts";

/** A buffer of float32 values in a GPUBuffer. */
export interface WebGpuBuffer extends DeviceBuffer {
  readonly dtype: "float32";
  /**
   * The GPUBuffer itself, for pipelines of your own on `backend.device` (usage STORAGE, COPY_SRC, COPY_DST). Each
   * access of this property submits the queued work, so that work you submit afterwards runs after it. Read the
   * property again each time before you submit.
   */
  readonly gpuBuffer: GPUBuffer;
}

/** The buffer as kernels use it: access without a submit, and a number that identifies the buffer in caches. */
export interface Storage extends WebGpuBuffer {
  readonly raw: GPUBuffer;
  readonly id: number;
}

/** The usage flags of a buffer that holds values. */
const DATA = USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST;

/** The bytes of a vector of four values. Own buffers have a whole number of vectors. */
const VECTOR = 16;

export interface Buffers {
  /** `failed` is called later if the device had no memory. */
  alloc(length: number, failed?: () => void): Storage;
  /** `raw` still belongs to its owner: disposing the result does not destroy it. */
  adopt(raw: GPUBuffer): Storage;
  /** Whether `buffer` was made here and is not disposed. */
  owns(buffer: unknown): buffer is Storage;
  /** Whether `buffer` was made here and is disposed or was found to be unusable. */
  owned(buffer: unknown): boolean;
  /** Destroys every buffer that was not disposed. */
  clear(): void;
}

export function createBuffers(device: GPUDevice, queue: Queue, faults: Faults): Buffers {
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  const mostBytes = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  const mostOwnBytes = Math.floor(mostBytes / VECTOR) * VECTOR;
  const alive = new Set<Storage>();
  const ever = new WeakSet<object>();
  /**
   * GPUBuffers that have a live buffer here. A second buffer on the same memory would alias the first without being
   * noticed.
   */
  const taken = new WeakSet<GPUBuffer>();
  let ids = 0;

  function storage(raw: GPUBuffer, length: number, owned: boolean): Storage {
    const dispose = () => {
      if (!alive.delete(buffer)) return;
      taken.delete(raw);
      if (owned) queue.destroy(raw);
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
    ever.add(buffer);
    taken.add(raw);
    return buffer;
  }

  /**
   * WebGPU does not say which device made a GPUBuffer, or whether it is destroyed. But a copy from a buffer that
   * belongs to another device or cannot be used causes an error a little later. The buffer is then no longer owned.
   */
  function probe(raw: GPUBuffer, buffer: Storage): void {
    const disowned = (error: BnError) => {
      buffer.dispose();
      return new BnError(
        "ERR_BN_BACKEND",
        `webgpu adopt: the buffer belongs to another device, or is destroyed or mapped (${error.message}); pass one of backend.device that is in use`,
      );
    };
    try {
      faults.watch(
        "adopt",
        () => {
          const sink = device.createBuffer({ label: "bn adopt", size: 4, usage: USAGE.COPY_DST });
          const encoder = device.createCommandEncoder({ label: "bn adopt" });
          encoder.copyBufferToBuffer(raw, 0, sink, 0, 4);
          device.queue.submit([encoder.finish()]);
          sink.destroy();
        },
        disowned,
      );
    } catch (error) {
      buffer.dispose();
      throw new BnError(
        "ERR_BN_BACKEND",
        `webgpu adopt: the argument is not a GPUBuffer of this WebGPU implementation (${error instanceof Error ? error.message : error})`,
        { cause: error },
      );
    }
  }

  return {
    alloc(length, failed) {
      const size = Math.max(1, Math.ceil((length * 4) / VECTOR)) * VECTOR;
      if (size > mostOwnBytes) {
        throw new BnError(
          "ERR_BN_MEMORY",
          `webgpu alloc: ${length} values need ${size} bytes, this device binds at most ${mostOwnBytes} (${mostOwnBytes / 4} values); split the batch`,
        );
      }
      const raw = faults.watch(
        `alloc of ${size} bytes`,
        () => device.createBuffer({ label: `bn ${length} values`, size, usage: DATA }),
        () => {
          failed?.();
          return undefined;
        },
      );
      return storage(raw, length, true);
    },
    adopt(raw) {
      const { size, usage } = (raw ?? {}) as Partial<GPUBuffer>;
      if (typeof size !== "number" || typeof usage !== "number") {
        throw new BnError(
          "ERR_BN_BACKEND",
          "webgpu adopt: the argument is not a GPUBuffer; pass one of backend.device",
        );
      }
      if ((usage & DATA) !== DATA) {
        throw new BnError(
          "ERR_BN_BACKEND",
          `webgpu adopt: the buffer's usage is 0x${usage.toString(16)}, expected STORAGE, COPY_SRC and COPY_DST (0x${DATA.toString(16)})`,
        );
      }
      if (size < 4 || size % 4 !== 0 || size > mostBytes) {
        throw new BnError(
          "ERR_BN_SHAPE",
          `webgpu adopt: the buffer has ${size} bytes, expected a multiple of 4 from 4 to ${mostBytes}`,
        );
      }
      if (taken.has(raw)) {
        throw new BnError(
          "ERR_BN_BACKEND",
          "webgpu adopt: this backend already adopted this GPUBuffer; use that buffer, or dispose it first",
        );
      }
      const buffer = storage(raw, size / 4, false);
      probe(raw, buffer);
      return buffer;
    },
    owns: (buffer: unknown): buffer is Storage => (alive as Set<unknown>).has(buffer),
    owned: (buffer: unknown) => typeof buffer === "object" && buffer !== null && ever.has(buffer),
    clear() {
      for (const buffer of alive) buffer.dispose();
    },
  };
}
