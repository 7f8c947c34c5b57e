export { createWebGpu, type WebGpuBackend, type WebGpuOptions } from "./backend.ts";
export type { WebGpuBuffer } from "./buffer.ts";
export type { AdapterOptions } from "./gpu.ts";
export type { Tuning } from "./tuning.ts";
