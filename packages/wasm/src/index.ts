export type { WasmBuffer } from "./buffer.ts";
export { createWasm } from "./create.ts";
export type { WasmOptions } from "./options.ts";
