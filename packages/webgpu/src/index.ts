export { createWebGpu, type WebGpuBackend } from "./backend.ts";
export type { WebGpuBuffer } from "./buffer.ts";
export type { AdapterOptions } from "./gpu.ts";
export type { WebGpuOptions } from "./options.ts";
export type { Tuning } from "./tuning.ts";
