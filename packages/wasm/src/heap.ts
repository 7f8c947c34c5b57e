import { BnError } from "@bn/core";
import { createAllocator } from "./allocator.ts";

/** A linear memory, and the bookkeeping of who owns which part of it. */
export interface Heap {
  readonly memory: WebAssembly.Memory;
  /** The bytes that are handed out. */
  readonly used: number;
  /** True after the backend was disposed. */
  closed: boolean;
  /** The address of zeroed memory. Errors: `ERR_BN_MEMORY`; the message contains `what`. */
  take(bytes: number, what: string): number;
  give(address: number, bytes: number): void;
}

export const PAGE = 65536;
/** No block ends at 4 GiB: kernels compare 32-bit addresses with a block's end, which would be 0. */
const LAST = 2 ** 32 - 64;

/** Manages the memory from `start` on. It grows to at most `maxPages`, the limit that it was created with. */
export function createHeap(memory: WebAssembly.Memory, start: number, maxPages: number): Heap {
  const pagesNow = () => memory.buffer.byteLength / PAGE;
  const growTo = (pages: number): boolean => {
    try {
      memory.grow(pages - pagesNow());
      return true;
    } catch {
      return false; // over the limit, or the system has no memory left
    }
  };
  const end = () => Math.min(memory.buffer.byteLength, LAST);
  const allocator = createAllocator(start, end(), (needed) => {
    const least = Math.ceil(needed / PAGE);
    if (needed > LAST || least > maxPages) return 0;
    // Grows by an eighth more than requested: growth invalidates every view, so it should be rare.
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
          `wasm alloc: out of memory for ${what}, ${bytes} bytes; ${allocator.used} bytes are in use and the limit is ${maxPages * PAGE}; ` +
            "dispose blobs that are no longer needed, raise maxMemory (at most 4 GiB), or split the batch",
        );
      }
      if (!clean) new Uint8Array(memory.buffer, address, bytes).fill(0);
      return address;
    },
    give: allocator.give,
  };
}
