import { argumentChecks, type Backend, BnError, CONTRACT_VERSION, type Supports } from "@bn/core";
import { Block } from "./block.ts";
import type { WasmBuffer } from "./buffer.ts";
import { features } from "./features.ts";
import { createHeap, PAGE } from "./heap.ts";
import { Job } from "./job.ts";
import { createKernels } from "./kernels.ts";
import { compile, instantiate } from "./module.ts";
import { FIRST_PAGES, FOUR_GIB, readWasmOptions, type WasmOptions } from "./options.ts";
import { type Pool, startPool } from "./pool.ts";

const DTYPES = Object.freeze(["float32", "float64"] as const);
const checkArguments = argumentChecks("wasm", DTYPES);

/**
 * Creates the WebAssembly backend: SIMD kernels for float32 and float64, on as many threads as the runtime allows. A
 * call's work is done when it returns. Results do not depend on the number of threads.
 *
 * Errors  `ERR_BN_UNAVAILABLE`: WebAssembly or its 128-bit SIMD is absent, disabled or forbidden; `ERR_BN_PARAM`: an
 *         option that is unknown or out of range; `ERR_BN_MEMORY`: there is no memory to start with, or later none for
 *         alloc; `ERR_BN_DISPOSED` after disposal. A helper thread that dies rejects every later read() and finish()
 *         with `ERR_BN_DEVICE`.
 *
 * @example
 * ```ts
 * import { createBatchNorm, createBlob } from "@bn/core";
 * import { createWasm } from "@bn/wasm";
 * const wasm = await createWasm();
 * const layer = createBatchNorm();
 * const [x, y] = [createBlob(wasm, [4, 1]), createBlob(wasm)];
 * x.write([1, 2, 3, 6]);
 * layer.setUp([x], [y]);
 * layer.forward([x], [y]);
 * console.log(await y.read()); // Float32Array(4) [ -1.069, -0.535, 0, 1.604 ]
 * await wasm.dispose();
 * ```
 */
export async function createWasm(options: WasmOptions = {}): Promise<Backend<WasmBuffer>> {
  const { threads: most, maxMemory = FOUR_GIB } = readWasmOptions(options);
  const found = features();
  const threads = found.threadsOff === null ? (most ?? Math.min(found.processors, 4)) : 1;
  const maxPages = Math.floor(maxMemory / PAGE);
  const memory = createMemory(maxPages, threads > 1);
  const module = await compile(threads > 1);

  let pool: Pool | null = null;
  const wasm = await instantiate(module, memory, (goal) => pool?.settle(goal));
  const heap = createHeap(memory, wasm.heapBase(), maxPages);
  const scratch = heap.take(wasm.scratchBytes(), "scratch");
  let off = most === 1 ? "off: threads is 1" : found.threadsOff;
  if (threads > 1) {
    try {
      pool = await startPool({
        module,
        memory,
        scratch,
        helpers: threads - 1,
        failed: () => wasm.configure(scratch, 0, 0),
      });
    } catch (error) {
      off = `off: a worker did not start: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  wasm.configure(scratch, pool?.size ?? 0, 0);

  const check = (method: string) => {
    if (!heap.closed) return;
    throw new BnError("ERR_BN_DISPOSED", `wasm ${method}: the backend was disposed; create another with createWasm()`);
  };
  const owns = (buffer: unknown): buffer is Block => !heap.closed && Block.isOf(heap, buffer) && !buffer.disposed;
  const checkOwned = (method: string, buffer: WasmBuffer) => {
    check(method);
    if (Block.isOf(heap, buffer)) return; // a disposed buffer reports that itself
    throw new BnError(
      "ERR_BN_BACKEND",
      `wasm ${method}: the buffer does not belong to this backend; pass one that its alloc() returned`,
    );
  };
  const settled = async () => {
    if (pool?.failure) throw pool.failure;
  };
  let ending: Promise<void> | null = null;
  const dispose = () => {
    heap.closed = true;
    ending ??= pool?.dispose() ?? Promise.resolve();
    return ending;
  };
  return {
    name: "wasm",
    contractVersion: CONTRACT_VERSION,
    supports: supportsOf(1 + (pool?.size ?? 0), off),
    kernels: createKernels(wasm, new Job(memory)),
    get disposed() {
      return heap.closed;
    },
    alloc(dtype, length) {
      check("alloc");
      checkArguments.alloc(dtype, length);
      return new Block(heap, dtype, length);
    },
    owns,
    write(target, source) {
      checkOwned("write", target);
      checkArguments.write(target, source);
      target.view.set(source);
    },
    // Not `async`, so that use after disposal throws at the call.
    read(source, length) {
      checkOwned("read", source);
      checkArguments.read(source, length);
      const copy = source.view.slice(0, length);
      return settled().then(() => copy);
    },
    finish() {
      check("finish");
      return settled();
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

function createMemory(maximum: number, shared: boolean): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: FIRST_PAGES + 1, maximum, shared });
  } catch (error) {
    throw new BnError(
      "ERR_BN_MEMORY",
      `createWasm: the runtime refused memory that may grow to ${maximum * PAGE} bytes; pass a smaller maxMemory${shared ? ", or threads: 1" : ""}`,
      { cause: error },
    );
  }
}

function supportsOf(threads: number, off: string | null): Supports {
  return Object.freeze({
    dtypes: DTYPES,
    hostVisible: true,
    nonFinite: true,
    fullRange: true,
    subnormals: true,
    correctlyRounded: true,
    deterministic: true,
    threads,
    details: Object.freeze({
      simd: "on",
      threads: threads > 1 ? `on: ${threads}` : (off ?? "off: one processor"),
    }),
  });
}
