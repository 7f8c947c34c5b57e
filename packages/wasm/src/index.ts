export type { WasmBuffer } from "./buffer.ts";
export { createWasm, type WasmOptions } from "./create.ts";
