import { exactly } from "../../truth/exact.ts";
import { hostArray, normals } from "../data.ts";
import type { Run } from "../layer-kit.ts";
import type { MemoryRow } from "./row.ts";

const RUNS: Readonly<Record<string, Run>> = {
  async "alloc-is-zero"({ backend, dtype, buffer }) {
    const dirty = backend.alloc(dtype, 1001);
    backend.write(dirty, hostArray(dtype, 1001).fill(3));
    await backend.finish();
    dirty.dispose(); // the allocator may hand out its memory again
    return [exactly("new buffer", await backend.read(buffer(1001), 1001), new Float32Array(1001))];
  },

  async "dtype-and-length"({ backend, dtype, buffer }) {
    const five = buffer(5);
    const got = await backend.read(five, 5);
    const type = got instanceof Float32Array ? "float32" : "float64";
    if (five.dtype !== dtype || five.length !== 5) throw new Error(`alloc(${dtype}, 5): ${five.dtype}, ${five.length}`);
    if (type !== dtype) throw new Error(`read() of a ${dtype} buffer gave a ${got.constructor.name}`);
    return [exactly("length", [got.length], [5])];
  },

  async "length-zero"({ backend, dtype, buffer }) {
    return [exactly("empty buffer", await backend.read(buffer(hostArray(dtype, 0)), 0), [])];
  },

  async "write-copies"({ backend, dtype, buffer, id }) {
    const source = normals(id, 300, dtype);
    const before = source.slice();
    const copy = buffer(source);
    source.fill(-1);
    return [exactly("buffer", await backend.read(copy, 300), before)];
  },

  async "write-at-the-start"({ backend, dtype, buffer }) {
    const seven = buffer(hostArray(dtype, [1, 2, 3, 4, 5, 6, 7]));
    backend.write(seven, hostArray(dtype, [-1, -2, -3]));
    const [all, some] = await Promise.all([backend.read(seven, 7), backend.read(seven, 2)]);
    return [exactly("all", all, [-1, -2, -3, 4, 5, 6, 7]), exactly("first two", some, [-1, -2])];
  },

  async "write-a-view"({ backend, dtype, buffer }) {
    const whole = hostArray(dtype, [9, 8, 7, 6, 5]);
    return [exactly("buffer", await backend.read(buffer(whole.subarray(1, 4)), 3), [8, 7, 6])];
  },

  async "read-in-order"({ backend, buffer }) {
    const hundred = buffer(100);
    const reads = [];
    for (let step = 1; step <= 5; step++) {
      backend.kernels.fill(100, step, hundred);
      reads.push(backend.read(hundred, 100));
    }
    backend.kernels.fill(100, -1, hundred);
    const got = await Promise.all(reads);
    return got.map((values, i) => exactly(`read ${i + 1}`, values, new Float32Array(100).fill(i + 1)));
  },

  async "writes-and-kernels-in-order"({ backend, dtype, buffer }) {
    const [a, b] = [buffer(64), buffer(64)];
    backend.write(a, hostArray(dtype, 64).fill(1));
    backend.kernels.copy(64, a, b); // now b = 1
    backend.write(a, hostArray(dtype, 64).fill(2));
    const [gotA, gotB] = await Promise.all([backend.read(a, 64), backend.read(b, 64)]);
    return [exactly("a", gotA, new Float32Array(64).fill(2)), exactly("b", gotB, new Float32Array(64).fill(1))];
  },

  async "read-is-a-copy"({ backend, dtype, buffer }) {
    const four = buffer(hostArray(dtype, [1, 2, 3, 4]));
    const first = await backend.read(four, 4);
    first.fill(-7);
    const second = await backend.read(four, 4);
    backend.kernels.fill(4, 5, four);
    await backend.finish();
    return [exactly("a mutated read", second, [1, 2, 3, 4]), exactly("an old read", first, [-7, -7, -7, -7])];
  },

  async "buffers-do-not-overlap"({ backend, buffer }) {
    const buffers = [1, 3, 4, 63, 65, 257, 1, 5].map(buffer);
    for (const [i, one] of buffers.entries()) backend.kernels.fill(one.length, i + 1, one);
    const got = await Promise.all(buffers.map((one) => backend.read(one, one.length)));
    return got.map((values, i) => exactly(`buffer ${i}`, values, new Float32Array(values.length).fill(i + 1)));
  },

  async "memory-grows-under-old-buffers"({ backend, dtype, buffer, id }) {
    const values = normals(id, 500, dtype);
    const first = buffer(values);
    const many = Array.from({ length: 12 }, (_, i) => buffer(60_000 + i));
    for (const one of many) backend.kernels.fill(one.length, -3, one);
    return [exactly("first buffer", await backend.read(first, 500), values)];
  },

  async "dispose-twice"({ backend, dtype, buffer }) {
    const a = backend.alloc(dtype, 32);
    a.dispose();
    const [b, c] = [buffer(32), buffer(32)];
    a.dispose(); // must not free memory that b or c got
    const all = [b, c, buffer(32)];
    for (const [i, one] of all.entries()) backend.kernels.fill(32, i + 1, one);
    const got = await Promise.all(all.map((one) => backend.read(one, 32)));
    return got.map((values, i) => exactly(`buffer ${i}`, values, new Float32Array(32).fill(i + 1)));
  },

  async "dispose-while-queued"({ backend, dtype, buffer }) {
    const [a, b] = [backend.alloc(dtype, 5000), buffer(5000)];
    backend.kernels.fill(5000, 4, a);
    backend.kernels.copy(5000, a, b);
    const pending = backend.read(a, 5000);
    a.dispose();
    const c = buffer(5000);
    backend.kernels.fill(5000, 6, c);
    const got = await Promise.all([backend.read(b, 5000), backend.read(c, 5000), pending]);
    return got.map((values, i) =>
      exactly(`buffer ${"bca"[i]}`, values, new Float32Array(5000).fill([4, 6, 4][i] ?? 0)),
    );
  },
};

export const BUFFER_ROWS: readonly MemoryRow[] = Object.entries(RUNS).map(([name, run]) => ({
  name,
  clause: "K-11",
  run,
}));
