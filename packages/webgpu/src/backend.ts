import { argumentChecks, type Backend, BnError, CONTRACT_VERSION } from "@bn/core";
import type { Storage, WebGpuBuffer } from "./buffer.ts";
import { createDevice } from "./device.ts";
import { adapterText, requestDevice } from "./gpu.ts";
import { kernelsOn } from "./kernels/index.ts";
import { hasUniformAtomics } from "./language.ts";
import { readWebGpuOptions, type WebGpuOptions } from "./options.ts";
import { planReduction, scratchOf } from "./plan.ts";
import { probe } from "./probe.ts";
import { finish, read } from "./read.ts";

const DTYPES = Object.freeze(["float32" as const]);
const checkArguments = argumentChecks("webgpu", DTYPES);

export interface WebGpuBackend extends Backend<WebGpuBuffer> {
  /** The device, for pipelines of your own on the same buffers. */
  readonly device: GPUDevice;
  /**
   * Makes a buffer from a GPUBuffer of this device, without a copy: pass it to `createBlob` as the blob's data. It
   * needs usage STORAGE, COPY_SRC and COPY_DST. You still own the GPUBuffer: disposing the blob, or the backend, does
   * not destroy it.
   *
   * Only the device can tell whether a buffer belongs to another device or is destroyed or mapped, and it reports this
   * later. The report rejects the next `read()` or `finish()` with `ERR_BN_BACKEND` and counts in `faults`. From then
   * on the backend does not own the buffer.
   *
   * Errors: `ERR_BN_BACKEND` (not a GPUBuffer, another usage, or a GPUBuffer that already has a live buffer here),
   * `ERR_BN_SHAPE` (the size is not a whole number of float32 values, or is more than one binding holds).
   */
  adopt(gpuBuffer: GPUBuffer): WebGpuBuffer;
}

/**
 * Creates the WebGPU backend: float32, on the GPU, in browsers and in Node (with the package `webgpu`).
 *
 * With `{ device }` the backend borrows the device: disposing the backend frees its buffers and leaves the device
 * alone. Otherwise it requests an adapter and owns the device. `supports` is found by running a probe on the adapter,
 * and `supports.details.adapter` names the adapter.
 *
 * Errors: rejects with `ERR_BN_PARAM` for an option that is unknown or out of its range; `ERR_BN_UNAVAILABLE` if there
 * is no WebGPU, no adapter or no device; `ERR_BN_DEVICE` if the device fails or is lost. Later device errors reject the
 * next `read()` or `finish()` with the name of the kernel.
 *
 * @example
 * ```ts
 * import { createBatchNorm, createBlob } from "@bn/core";
 * import { createWebGpu } from "@bn/webgpu";
 * const webgpu = await createWebGpu();
 * const [x, y] = [createBlob(webgpu, [4, 1]), createBlob(webgpu)];
 * const layer = createBatchNorm({ eps: 0 });
 * x.write([1, 2, 3, 6]);
 * layer.setUp([x], [y]);
 * layer.forward([x], [y]);
 * console.log(await y.read()); // Float32Array(4) [ -1.069, -0.535, 0, 1.604 ]
 * ```
 */
export async function createWebGpu(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  const given = readWebGpuOptions(options);
  const borrowed = given.device;
  const gpu = borrowed ?? (await requestDevice(given));
  const device = createDevice(gpu, given.tuning, await hasUniformAtomics(gpu));
  const free = () => {
    device.dispose();
    if (!borrowed) gpu.destroy();
  };
  let facts: Awaited<ReturnType<typeof probe>>;
  try {
    facts = await probe(device);
  } catch (error) {
    free();
    throw error;
  }
  let disposed = false;
  let disposal: Promise<void> | null = null;
  const waits = new Set<Promise<unknown>>();
  const check = (method: string) => {
    if (!disposed) return;
    throw new BnError(
      "ERR_BN_DISPOSED",
      `webgpu ${method}: the backend was disposed; create another with createWebGpu()`,
    );
  };
  const owns = (buffer: unknown): buffer is Storage => !disposed && device.buffers.owns(buffer);
  const checkOwned = (method: string, buffer: Storage) => {
    check(method);
    if (owns(buffer)) return;
    if (device.buffers.owned(buffer)) {
      throw new BnError(
        "ERR_BN_DISPOSED",
        `webgpu ${method}: the buffer was disposed, or adopt() found that it cannot be used; pass a usable one`,
      );
    }
    throw new BnError(
      "ERR_BN_BACKEND",
      `webgpu ${method}: the buffer does not belong to this backend, or was disposed; pass one that its alloc() or adopt() returned`,
    );
  };
  /** Counts waits, so that dispose() lets pending reads finish. */
  const awaited = <T>(wait: Promise<T>): Promise<T> => {
    const done = () => waits.delete(wait);
    waits.add(wait);
    wait.then(done, done);
    return wait;
  };
  const backend: Backend<Storage> & Pick<WebGpuBackend, "device" | "adopt"> = {
    name: "webgpu",
    contractVersion: CONTRACT_VERSION,
    device: gpu,
    supports: Object.freeze({
      dtypes: DTYPES,
      hostVisible: false,
      ...facts,
      fullRange: true,
      correctlyRounded: false,
      deterministic: true,
      threads: 1,
      details: Object.freeze({
        adapter: adapterText(gpu),
        nonFinite: facts.nonFinite ? "on" : "off: this adapter drops NaN or infinities",
        subnormals: facts.subnormals ? "on" : "off: this adapter flushes them to zero",
        workgroup: `${device.tuning.workgroup} threads`,
      }),
    }),
    kernels: kernelsOn(device),
    get disposed() {
      return disposed;
    },
    alloc(dtype, length) {
      check("alloc");
      checkArguments.alloc(dtype, length);
      return device.buffers.alloc(length);
    },
    owns,
    reserve(_dtype, g) {
      check("reserve");
      device.reserve(scratchOf(planReduction(g, device.tuning)));
    },
    get faults() {
      return device.faults.count;
    },
    adopt(gpuBuffer) {
      check("adopt");
      return device.buffers.adopt(gpuBuffer);
    },
    write(target, source) {
      checkOwned("write", target);
      checkArguments.write(target, source);
      device.queue.write(target.raw, source as Float32Array);
    },
    read(source, length) {
      checkOwned("read", source);
      checkArguments.read(source, length);
      return awaited(read(device, source, length));
    },
    finish() {
      check("finish");
      return awaited(finish(device));
    },
    dispose() {
      disposed = true;
      disposal ??= Promise.allSettled(waits).then(free);
      return disposal;
    },
    [Symbol.asyncDispose]: () => backend.dispose(),
  };
  return backend;
}
