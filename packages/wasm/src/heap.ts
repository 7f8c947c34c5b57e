import { BnError } from "@bn/core";
import { createAllocator } from "./allocator.ts";

/** A linear memory and who owns which part of it. */
export interface Heap {
  readonly memory: WebAssembly.Memory;
  /** Bytes taken and not given back. */
  readonly used: number;
  /** True once the backend is disposed. */
  closed: boolean;
  /** Address of zeroed memory. Errors: `ERR_BN_MEMORY`, which names `what` was asked for. */
  take(bytes: number, what: string): number;
  give(address: number, bytes: number): void;
}

export const PAGE = 65536;
/** No block ends at 4 GiB: kernels compare 32-bit addresses with a block's end, which would be 0. */
const LAST = 2 ** 32 - 64;

/** The memory from `start`; it grows to at most `maxPages`, the limit that it was created with. */
export function createHeap(memory: WebAssembly.Memory, start: number, maxPages: number): Heap {
  const pagesNow = () => memory.buffer.byteLength / PAGE;
  const growTo = (pages: number): boolean => {
    try {
      memory.grow(pages - pagesNow());
      return true;
    } catch {
      return false; // over the limit, or the system has no more
    }
  };
  const end = () => Math.min(memory.buffer.byteLength, LAST);
  const allocator = createAllocator(start, end(), (needed) => {
    const least = Math.ceil(needed / PAGE);
    if (needed > LAST || least > maxPages) return 0;
    // An eighth more than asked for: growth remakes every view, so it should be rare.
    const more = Math.min(maxPages, Math.max(least, Math.ceil(pagesNow() * 1.125)));
    return growTo(more) || growTo(least) ? end() : 0;
  });
  return {
    memory,
    closed: false,
    get used() {
      return allocator.used;
    },
    take(bytes, what) {
      const { address, clean } = allocator.take(bytes);
      if (address < 0) {
        throw new BnError(
          "ERR_BN_MEMORY",
          `wasm alloc: no memory for ${what}, ${bytes} bytes; ${allocator.used} bytes are taken and the limit is ${maxPages * PAGE}; ` +
            "dispose blobs that are no longer needed, raise maxMemory (at most 4 GiB), or split the batch",
        );
      }
      if (!clean) new Uint8Array(memory.buffer, address, bytes).fill(0);
      return address;
    },
    give: allocator.give,
  };
}
