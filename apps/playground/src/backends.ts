import type { Backend } from "@bn/core";

export const BACKEND_NAMES = ["cpu", "wasm", "webgpu"] as const;
export type BackendName = (typeof BACKEND_NAMES)[number];

/** The import statement for each `create`, for programs that repeat a failure. */
export const IMPORTING: Readonly<Record<BackendName, string>> = {
  cpu: `import { createCpu as create } from "@bn/cpu";`,
  wasm: `import { createWasm as create } from "@bn/wasm";`,
  webgpu: `import { createWebGpu as create } from "@bn/webgpu";`,
};

const CREATE: Readonly<Record<BackendName, (threads: number | null) => Promise<Backend>>> = {
  cpu: async () => (await import("@bn/cpu")).createCpu(),
  wasm: async (threads) => (await import("@bn/wasm")).createWasm(threads === null ? {} : { threads }),
  webgpu: async () => (await import("@bn/webgpu")).createWebGpu(),
};

/** Errors: those of the backend, e.g. `ERR_BN_UNAVAILABLE` without WebGPU. */
export const createBackend = (name: BackendName, threads: number | null = null): Promise<Backend> =>
  CREATE[name](threads);
