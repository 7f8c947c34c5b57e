import { BnError } from "@bn/core";
import { MODULE, SHARED_AT } from "./generated/kernels.ts";

type Kernel =
  | ("moments" | "normalize" | "gradSums" | "gradNormalize" | "forward" | "backward")
  | ("movingAverage" | "globalStats" | "copy" | "fill");

/** The exports of assembly/index.ts. A kernel takes its operands from the job, and 1 for float64. */
export type Exports = Readonly<Record<Kernel, (wide: number) => void>> & {
  /** Where scratch lies, how many threads help the calling one, and which of them this is; the calling one is 0. */
  configure(scratch: number, helpers: number, thread: number): void;
  /** The first address that is free. */
  heapBase(): number;
  scratchBytes(): number;
};

/** The flags of a memory's limits. */
const HAS_MAXIMUM = 1;
const IS_SHARED = 2;

/**
 * Compiles the kernels, for memory that threads share or not. The module is the same but for the flags of its memory:
 * atomic instructions are valid in either, and only shared work executes them.
 *
 * Errors  `ERR_BN_UNAVAILABLE` where that is forbidden.
 */
export async function compile(shared: boolean): Promise<WebAssembly.Module> {
  const text = atob(MODULE);
  try {
    const bytes = await inflate(Uint8Array.from(text, (char) => char.charCodeAt(0)));
    bytes[SHARED_AT] = shared ? HAS_MAXIMUM | IS_SHARED : HAS_MAXIMUM;
    return await WebAssembly.compile(bytes);
  } catch (error) {
    throw new BnError(
      "ERR_BN_UNAVAILABLE",
      `createWasm: this runtime does not compile the kernels (${error instanceof Error ? error.message : error}); ` +
        "a page's Content-Security-Policy must allow 'wasm-unsafe-eval'; otherwise use @bn/cpu",
      { cause: error },
    );
  }
}

/** Without `Response`: in Node its first use costs more than all the rest. */
async function inflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** `settle` is called where helpers take long to finish what they claimed. It waits until DONE is `goal`. */
export async function instantiate(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  settle: (goal: number) => void,
): Promise<Exports> {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory }, job: { settle } });
  return exports as Exports;
}
