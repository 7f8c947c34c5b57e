import type { Backend, DeviceBuffer, Dtype, HostArray } from "@bn/core";

/** A mistake in memory that begins at a size, for any backend. */
export interface PartsMutant {
  readonly id: string;
  readonly kind: string;
  readonly plant: (backend: Backend) => Partial<Backend>;
}

/** Numbers on size classes and between them. */
const SIZES = [3, 100, 256, 1000, 2000, 4096, 10_000, 65_536, 100_000, 300_000, 1_000_000];

const like = (array: HostArray, values: ArrayLike<number>): HostArray => {
  const made = array.slice();
  made.set(values);
  return made;
};

/** Records the buffers of a backend, to tell which memory is free. */
export function recycling(real: Backend) {
  let live: DeviceBuffer[] = [];
  let free: DeviceBuffer[] = [];
  return {
    alloc(dtype: Dtype, length: number): DeviceBuffer {
      const buffer = real.alloc(dtype, length);
      live.push(buffer);
      return buffer;
    },
    /** Whether one of the last twenty disposed buffers is large enough for a new one. */
    find(dtype: Dtype, length: number, which: (was: Dtype, is: Dtype) => boolean = () => true): boolean {
      const owned = live.filter((one) => real.owns(one));
      free = [...free, ...live.filter((one) => !owned.includes(one))].slice(-20);
      live = owned;
      return free.some((one) => bytesOf(one) >= bytesOf({ dtype, length }) && which(one.dtype, dtype));
    },
  };
}

export const zeros = (dtype: Dtype, length: number): HostArray =>
  dtype === "float32" ? new Float32Array(length) : new Float64Array(length);

function bytesOf({ dtype, length }: Pick<DeviceBuffer, "dtype" | "length">): number {
  return length * (dtype === "float32" ? 4 : 8);
}

/** Mistakes that begin at a size. */
const FAULTS: readonly (readonly [kind: string, plant: (real: Backend, size: number) => Partial<Backend>])[] = [
  [
    "alloc: dirt beyond element",
    (real, size) => ({
      alloc(dtype, length) {
        const buffer = real.alloc(dtype, length);
        if (length <= size) return buffer;
        real.write(buffer, zeros(dtype, length).fill(5, size));
        return buffer;
      },
    }),
  ],
  [
    "alloc: dirt in buffers longer than",
    (real, size) => ({
      alloc(dtype, length) {
        const buffer = real.alloc(dtype, length);
        if (length > size) real.kernels.fill(1, 5, buffer);
        return buffer;
      },
    }),
  ],
  [
    "alloc: recycled memory is dirty in buffers longer than",
    (real, size) => {
      const memory = recycling(real);
      return {
        alloc(dtype, length) {
          const old = memory.find(dtype, length);
          const buffer = memory.alloc(dtype, length);
          if (old && length > size) real.kernels.fill(1, 5, buffer);
          return buffer;
        },
      };
    },
  ],
  [
    "write: nothing beyond element",
    (real, size) => ({ write: (target, source) => real.write(target, source.subarray(0, size)) }),
  ],
  [
    "write: the last element lost beyond",
    (real, size) => ({
      write: (target, source) => real.write(target, source.length > size ? source.subarray(0, -1) : source),
    }),
  ],
  [
    "read: zeros beyond element",
    (real, size) => ({
      read: async (source, length) => (await real.read(source, length)).fill(0, size),
    }),
  ],
  [
    "read: one element late beyond element",
    (real, size) => ({
      async read(source, length) {
        const got = await real.read(source, length);
        return got.length > size + 1 ? got.copyWithin(size, size + 1) : got;
      },
    }),
  ],
  [
    "read: the former read of as many elements, beyond",
    (real, size) => {
      const last = new WeakMap<DeviceBuffer, HostArray>();
      return {
        async read(source, length) {
          const got = await real.read(source, length);
          const old = last.get(source);
          last.set(source, got.slice());
          return length > size && old?.length === length ? like(got, old) : got;
        },
      };
    },
  ],
];

/** Creates one mutant per mistake and size. */
export function memoryMutants(): PartsMutant[] {
  return SIZES.flatMap((size) =>
    FAULTS.map(([kind, plant]) => ({ id: `${kind} ${size}`, kind, plant: (real) => plant(real, size) })),
  );
}
