import type { Faults } from "./faults.ts";

/** Work in call order, submitted to the device in batches. */
export interface Queue {
  /** Encodes one dispatch. Messages of device errors name `kernel`. */
  dispatch(kernel: string, pipeline: GPUComputePipeline, group: GPUBindGroup, x: number, y: number): void;
  /** Encodes a copy of the first `bytes` bytes, for `kernel`. */
  copy(kernel: string, source: GPUBuffer, target: GPUBuffer, bytes: number): void;
  /** Writes to the first bytes of `target`, after all work so far. */
  write(target: GPUBuffer, source: Float32Array): void;
  /** Destroys `buffer` once the work so far is submitted. The device keeps it until that work is done. */
  destroy(buffer: GPUBuffer): void;
  /** Submits all work so far. */
  flush(): void;
}

/**
 * The number of dispatches that may wait for each other: enough to make submits cheap, and few enough to start the
 * device early.
 */
const BATCH = 64;

/**
 * Work that one synchronous stretch of calls queues is submitted together, at its end (a microtask) or every BATCH
 * dispatches, because a submit costs more than a dispatch.
 */
export function createQueue(device: GPUDevice, faults: Faults): Queue {
  let encoder: GPUCommandEncoder | null = null;
  let pass: GPUComputePassEncoder | null = null;
  let queued = 0;
  let scheduled = false;
  const kernels = new Set<string>();
  const doomed: GPUBuffer[] = [];

  function begin(): GPUCommandEncoder {
    encoder ??= device.createCommandEncoder({ label: "bn" });
    if (!scheduled) {
      scheduled = true;
      queueMicrotask(() => {
        scheduled = false;
        flush();
      });
    }
    return encoder;
  }

  function endPass(): void {
    pass?.end();
    pass = null;
  }

  function flush(): void {
    if (encoder) {
      endPass();
      const done = encoder;
      const names = [...kernels].join(", ");
      encoder = null;
      queued = 0;
      kernels.clear();
      faults.watch(names, () => device.queue.submit([done.finish()]));
    }
    for (const buffer of doomed) buffer.destroy();
    doomed.length = 0;
  }

  return {
    flush,
    dispatch(kernel, pipeline, group, x, y) {
      const commands = begin();
      pass ??= commands.beginComputePass({ label: "bn" });
      kernels.add(kernel);
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(x, y);
      queued += 1;
      if (queued === BATCH) flush();
    },
    copy(kernel, source, target, bytes) {
      const commands = begin();
      endPass();
      kernels.add(kernel);
      commands.copyBufferToBuffer(source, 0, target, 0, bytes);
    },
    write(target, source) {
      if (source.length === 0) return; // some runtimes fail on empty writes
      flush();
      faults.watch("write", () => device.queue.writeBuffer(target, 0, source as Float32Array<ArrayBuffer>));
    },
    destroy(buffer) {
      if (encoder) doomed.push(buffer);
      else buffer.destroy();
    },
  };
}
