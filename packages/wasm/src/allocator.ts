/** Of every block: a cache line, so that no two buffers share one, and vectors are aligned. */
const ALIGNMENT = 64;

export interface Allocator {
  /** Address of `bytes` bytes, or -1 where neither a free block nor growth has them. `clean`: still zero from birth. */
  take(bytes: number): { readonly address: number; readonly clean: boolean };
  /** Gives a block back: `bytes` as it was taken. */
  give(address: number, bytes: number): void;
  /** Bytes taken and not given back, alignment included. */
  readonly used: number;
}

const NONE = Object.freeze({ address: -1, clean: false });

/**
 * Best fit over [first, end) of a linear memory. Free blocks lie in bins by the power of two of their size; neighbours
 * are joined at once, so that after everything was given back one block is left.
 *
 * `grow(end)` is asked for memory up to an end and returns the new end, at least that, or 0 where there is none.
 */
export function createAllocator(first: number, end: number, grow: (end: number) => number): Allocator {
  const bins: Set<number>[] = Array.from({ length: 33 }, () => new Set());
  /** Sizes of free blocks by address, and their addresses by their end. */
  const sizes = new Map<number, number>();
  const starts = new Map<number, number>();
  const start = Math.ceil(first / ALIGNMENT) * ALIGNMENT;
  let used = 0;
  /** Nothing at or above was ever handed out: it is zero. */
  let fresh = start;

  const insert = (address: number, size: number) => {
    sizes.set(address, size);
    starts.set(address + size, address);
    binOf(size).add(address);
  };
  const remove = (address: number): number => {
    const size = sizes.get(address) as number;
    sizes.delete(address);
    starts.delete(address + size);
    binOf(size).delete(address);
    return size;
  };
  const binOf = (size: number) => bins[31 - Math.clz32(size / ALIGNMENT)] as Set<number>;
  const free = (address: number, size: number) => {
    if (sizes.has(address + size)) size += remove(address + size);
    const before = starts.get(address);
    if (before !== undefined) {
      size += remove(before);
      address = before;
    }
    insert(address, size);
  };
  const find = (size: number): number => {
    // The smallest of its own bin; of a higher bin any block fits, and its smallest leaves least behind.
    for (let bin = 31 - Math.clz32(size / ALIGNMENT); bin < bins.length; bin++) {
      let best = -1;
      let bestSize = Number.POSITIVE_INFINITY;
      for (const address of bins[bin] as Set<number>) {
        const candidate = sizes.get(address) as number;
        if (candidate < size || candidate > bestSize) continue;
        if (candidate === bestSize && address > best) continue;
        best = address;
        bestSize = candidate;
      }
      if (best >= 0) return best;
    }
    return -1;
  };
  if (end > start) insert(start, end - start);

  return {
    get used() {
      return used;
    },
    take(bytes) {
      const size = sizeOf(bytes);
      let address = find(size);
      if (address < 0) {
        const last = starts.get(end) ?? end;
        const next = grow(last + size);
        if (next === 0) return NONE;
        free(end, next - end);
        end = next;
        address = find(size);
      }
      const whole = remove(address);
      if (whole > size) insert(address + size, whole - size);
      used += size;
      const clean = address >= fresh;
      fresh = Math.max(fresh, address + size);
      return { address, clean };
    },
    give(address, bytes) {
      const size = sizeOf(bytes);
      used -= size;
      free(address, size);
    },
  };
}

/** At least one line, so that every block has an address of its own. */
function sizeOf(bytes: number): number {
  return Math.max(Math.ceil(bytes / ALIGNMENT), 1) * ALIGNMENT;
}
