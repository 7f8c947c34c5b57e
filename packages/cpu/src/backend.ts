import { argumentChecks, type Backend, BnError, CONTRACT_VERSION, type Supports } from "@bn/core";
import { CpuBuffer } from "./buffer.ts";
import { createKernels } from "./kernels/index.ts";

export type { CpuBuffer };

const supports: Supports = Object.freeze({
  dtypes: Object.freeze(["float32", "float64"] as const),
  hostVisible: true,
  nonFinite: true,
  fullRange: true,
  subnormals: true,
  correctlyRounded: true,
  deterministic: true,
  threads: 1,
  details: Object.freeze({}),
});
const checkArguments = argumentChecks("cpu", supports.dtypes);

/**
 * Creates the backend that needs only JavaScript: one thread, float32 and float64. All work is done when a call
 * returns.
 *
 * Errors  `ERR_BN_MEMORY` from alloc; `ERR_BN_BACKEND` from write and read for a buffer of another backend or an array
 *         of another dtype; `ERR_BN_SHAPE` for a length that is out of range; `ERR_BN_DISPOSED` after the buffer or the
 *         backend was disposed.
 *
 * @example
 * ```ts
 * import { createBatchNorm, createBlob } from "@bn/core";
 * import { createCpu } from "@bn/cpu";
 * const cpu = await createCpu();
 * const layer = createBatchNorm();
 * const [x, y] = [createBlob(cpu, [4, 1]), createBlob(cpu)];
 * x.write([1, 2, 3, 6]);
 * layer.setUp([x], [y]);
 * layer.forward([x], [y]);
 * console.log(y.data.view); // Float32Array(4) [ -1.069, -0.535, 0, 1.604 ]
 * ```
 */
export async function createCpu(): Promise<Backend<CpuBuffer>> {
  let disposed = false;
  const check = (method: string) => {
    if (!disposed) return;
    throw new BnError("ERR_BN_DISPOSED", `cpu ${method}: the backend was disposed; create another with createCpu()`);
  };
  const owner = {};
  const owns = (buffer: unknown): buffer is CpuBuffer => !disposed && CpuBuffer.isOf(owner, buffer) && !buffer.disposed;
  const checkOwned = (method: string, buffer: CpuBuffer) => {
    check(method);
    if (CpuBuffer.isOf(owner, buffer)) return; // a disposed buffer reports that itself
    throw new BnError(
      "ERR_BN_BACKEND",
      `cpu ${method}: the buffer does not belong to this backend; pass one that its alloc() returned`,
    );
  };
  const dispose = async () => {
    disposed = true; // a buffer is garbage-collected together with its holder
  };
  return {
    name: "cpu",
    contractVersion: CONTRACT_VERSION,
    supports,
    kernels: createKernels(),
    get disposed() {
      return disposed;
    },
    alloc(dtype, length) {
      check("alloc");
      checkArguments.alloc(dtype, length);
      return new CpuBuffer(owner, dtype, length);
    },
    owns,
    write(target, source) {
      checkOwned("write", target);
      checkArguments.write(target, source);
      target.view.set(source);
    },
    // Not `async`, so that wrong use throws at the call.
    read(source, length) {
      checkOwned("read", source);
      checkArguments.read(source, length);
      return Promise.resolve(source.view.slice(0, length));
    },
    finish() {
      check("finish");
      return Promise.resolve();
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}
