import { ALONE, SHARED } from "./generated/kernels.ts";

type Kernel =
  | "moments"
  | "normalize"
  | "gradSums"
  | "gradNormalize"
  | "forward"
  | "backward"
  | "scale"
  | "scaleSums"
  | "movingAverage"
  | "globalStats"
  | "copy"
  | "fill";

/** The exports of assembly/index.ts: addresses and sizes are numbers, an absent buffer is 0. */
export type Exports = Readonly<Record<`${Kernel}${32 | 64}`, (...operands: number[]) => void>> & {
  /** Where scratch lies, and how many threads may help. */
  configure(scratch: number, helpers: number): void;
  /** The first address that is free. */
  heapBase(): number;
  scratchBytes(): number;
};

/** Compiles the kernels, for memory that threads share or not. Errors: WebAssembly's own, where it is disabled. */
export function compile(shared: boolean): Promise<WebAssembly.Module> {
  const text = atob(shared ? SHARED : ALONE);
  return WebAssembly.compile(Uint8Array.from(text, (char) => char.charCodeAt(0)));
}

/** `settle` is called where helpers have not finished when the calling thread has. */
export async function instantiate(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  settle: (items: number) => void,
): Promise<Exports> {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory }, job: { settle } });
  return exports as unknown as Exports;
}
