import type { Backend, DeviceBuffer, Dtype, HostArray, HostBuffer } from "@bn/core";
import { type PartsMutant, recycling, zeros } from "../generated/memory.ts";
import { over } from "../over.ts";

type Real = Backend;
interface MemoryFault {
  readonly bug: string;
  plant(real: Real): Partial<Real>;
}

const withKernels = ({ kernels }: Real, parts: Partial<Real["kernels"]>): Partial<Real> => ({
  kernels: over(kernels, parts),
});
const copy = (bug: string, n: (length: number, x: DeviceBuffer, y: DeviceBuffer) => number): MemoryFault => ({
  bug: `copy: ${bug}`,
  plant: (real) =>
    withKernels(real, {
      copy: (length, x, y) => real.kernels.copy(Math.min(n(length, x, y), x.length, y.length), x, y),
    }),
});
const fill = (bug: string, n: (length: number, y: DeviceBuffer) => number, value = (v: number) => v): MemoryFault => ({
  bug: `fill: ${bug}`,
  plant: (real) =>
    withKernels(real, { fill: (length, v, y) => real.kernels.fill(Math.min(n(length, y), y.length), value(v), y) }),
});
const write = (bug: string, change: (source: HostArray, target: DeviceBuffer) => HostArray): MemoryFault => ({
  bug: `write: ${bug}`,
  plant: (real) => ({ write: (target, source) => real.write(target, change(source, target)) }),
});
const read = (bug: string, change: (got: HostArray) => HostArray): MemoryFault => ({
  bug: `read: ${bug}`,
  plant: (real) => ({ read: async (source, length) => change(await real.read(source, length)) }),
});

const same = (length: number) => length;
const { abs, max, min, fround } = Math;
/** Values that a copy through arithmetic, a comparison or a narrower type changes. */
const VALUES: readonly (readonly [bug: string, change: (value: number) => number])[] = [
  ["NaN becomes 0", (v) => (Number.isNaN(v) ? 0 : v)],
  ["-0 becomes 0", (v) => v + 0],
  ["infinities become the largest numbers", (v) => max(-3.4028234663852886e38, min(v, 3.4028234663852886e38))],
  ["infinity becomes NaN", (v) => v + 0 * v],
  ["subnormals of float32 become 0", (v) => (abs(v) < 2 ** -126 ? 0 * v : v)],
  ["subnormals of float64 become 0", (v) => (abs(v) < 2 ** -1022 ? 0 * v : v)],
  ["values pass through float32", fround],
  ["values pass through 32 bits, where whole", (v) => (Number.isInteger(v) && abs(v) < 2 ** 33 && v !== 0 ? v | 0 : v)],
];

const LENGTHS: readonly MemoryFault[] = [
  copy("none copies one", (n) => n || 1),
  copy("none copies all", (n, x) => n || x.length),
  copy("one copies none", (n) => (n === 1 ? 0 : n)),
  copy("all of the shorter buffer", (_, x, y) => min(x.length, y.length)),
  copy("one more where x is longer", (n, x) => (x.length > n ? n + 1 : n)),
  copy("one more where both are longer", (n, x, y) => (x.length > n && y.length > n ? n + 1 : n)),
  copy("in fours, while there is room", (n) => 4 * Math.ceil(n / 4)),
  copy("fours alone, above 64", (n) => (n > 64 ? 4 * Math.floor(n / 4) : n)),
  copy("the last of more than 8,192 lost", (n) => (n > 8192 ? n - 1 : n)),
  copy("the last of more than 2^20 lost", (n) => (n > 2 ** 20 ? n - 1 : n)),
  fill("none fills one", (n) => n || 1),
  fill("none fills all", (n, y) => n || y.length),
  fill("all of the buffer", (_, y) => y.length),
  fill("one more, while there is room", (n) => n + 1),
  fill("fours alone, above 64", (n) => (n > 64 ? 4 * Math.floor(n / 4) : n)),
  fill("the last of more than 8,192 lost", (n) => (n > 8192 ? n - 1 : n)),
  fill("the last of more than 2^20 lost", (n) => (n > 2 ** 20 ? n - 1 : n)),
  {
    bug: "fill: the former value, second time",
    plant(real) {
      const last = new WeakMap<DeviceBuffer, number>();
      return withKernels(real, {
        fill(length, value, y) {
          real.kernels.fill(length, last.get(y) ?? value, y);
          last.set(y, value);
        },
      });
    },
  },
  write("none writes one", (source) => (source.length === 0 ? whole(source, 1) : source)),
  write("a part of an array, from its start", (source) => whole(source, source.length)),
  write("a part of an array, up to its end", (source, { length }) => {
    const from = source.byteOffset / source.BYTES_PER_ELEMENT;
    return whole(source, from + length).subarray(from) as HostArray;
  }),
  write("zeros behind what is written", (source, { dtype, length }) => {
    const padded = zeros(dtype, length);
    padded.set(source);
    return padded;
  }),
  write("the last of more than 65,536 lost", (source) => (source.length > 65_536 ? part(source, -1) : source)),
  write("the last of 2n + 1 lost, above 16", (source) =>
    source.length > 16 && source.length % 2 === 1 ? part(source, -1) : source,
  ),
  {
    bug: "read: none reads all",
    plant: (real) => ({ read: (source, length) => real.read(source, length || source.length) }),
  },
  { bug: "read: all of the buffer", plant: (real) => ({ read: (source) => real.read(source, source.length) }) },
  read("zeros beyond 4,096", (got) => got.fill(0, 4096)),
  read("the last of more than 65,536 is its neighbour", (got) =>
    got.length > 65_536 ? got.copyWithin(got.length - 1, got.length - 2) : got,
  ),
  {
    bug: "read: the same array twice, where nothing was written",
    plant(real) {
      const known = new WeakMap<DeviceBuffer, HostArray>();
      return {
        async read(source, length) {
          const got = await real.read(source, length);
          const old = known.get(source);
          if (old?.length === length) return old;
          known.set(source, got);
          return got;
        },
        write(target, source) {
          known.delete(target);
          real.write(target, source);
        },
        kernels: new Proxy(real.kernels, {
          get(target, name) {
            const value: unknown = Reflect.get(target, name);
            if (typeof value !== "function") return value;
            return (...args: readonly unknown[]) => {
              for (const one of args.flatMap(buffersIn)) known.delete(one);
              return Reflect.apply(value, target, args);
            };
          },
        }),
      };
    },
  },
];

function buffersIn(value: unknown): DeviceBuffer[] {
  if (typeof value !== "object" || value === null) return [];
  return "dispose" in value ? [value as DeviceBuffer] : Object.values(value).flatMap(buffersIn);
}

function whole({ buffer, BYTES_PER_ELEMENT }: HostArray, length: number): HostArray {
  const most = min(length, Math.floor(buffer.byteLength / BYTES_PER_ELEMENT));
  return BYTES_PER_ELEMENT === 4 ? new Float32Array(buffer, 0, most) : new Float64Array(buffer, 0, most);
}

function part(source: HostArray, end: number): HostArray {
  return source.subarray(0, end) as HostArray;
}

/** `alloc` returns disposed memory that is not cleared beyond element `from`. */
const dirty = (bug: string, from: number, which: (was: Dtype, is: Dtype) => boolean): MemoryFault => ({
  bug: `alloc: ${bug}`,
  plant(real) {
    const memory = recycling(real);
    return {
      alloc(dtype, length) {
        const old = memory.find(dtype, length, which);
        const buffer = memory.alloc(dtype, length);
        if (old && length > from) real.write(buffer, zeros(dtype, length).fill(5, from));
        return buffer;
      },
    };
  },
});

const ALLOCS: readonly MemoryFault[] = [
  dirty("dirt beyond 2,000", 2000, () => true),
  dirty("dirt beyond 20,000", 20_000, () => true),
  dirty("dirt beyond 2^20", 2 ** 20, () => true),
  dirty("dirt beyond 500 in float64", 500, (_, is) => is === "float64"),
  dirty("dirt beyond 10 after another dtype", 10, (was, is) => was !== is),
  {
    bug: "alloc: -0",
    plant: (real) => ({
      alloc(dtype, length) {
        const buffer = real.alloc(dtype, length);
        real.write(buffer, zeros(dtype, length).fill(-0));
        return buffer;
      },
    }),
  },
  {
    bug: "owns: whatever has a view",
    plant: () => ({
      owns: (buffer): buffer is DeviceBuffer => typeof buffer === "object" && buffer !== null && "view" in buffer,
    }),
  },
];

const ROUNDED: readonly MemoryFault[] = VALUES.flatMap(([bug, change]) => [
  fill(bug, same, change),
  write(bug, (source) => source.map(change)),
  read(bug, (got) => got.map(change)),
  {
    bug: `copy: ${bug}`,
    plant: (real) =>
      withKernels(real, {
        copy(length, x, y) {
          real.kernels.copy(length, x, y);
          const { view } = y as HostBuffer;
          for (let i = 0; i < length; i++) view[i] = change(view[i] as number);
        },
      }),
  },
]);

/** Mistakes of memory: lengths, values and former contents. */
export function strangeMemory(): PartsMutant[] {
  return [...LENGTHS, ...ALLOCS, ...ROUNDED].map(({ bug, plant }) => ({ id: bug, kind: bug, plant }));
}
