import { exactly } from "../../truth/exact.ts";
import { hostArray, normals } from "../data.ts";
import type { MemoryRow } from "./row.ts";

export const BUFFER_ROWS: readonly MemoryRow[] = [
  {
    name: "alloc-is-zero",
    clause: "K-11",
    async run(backend, dtype) {
      const dirty = backend.alloc(dtype, 1001);
      backend.write(dirty, hostArray(dtype, 1001).fill(3));
      await backend.finish();
      dirty.dispose(); // the allocator may hand out its memory again
      const buffer = backend.alloc(dtype, 1001);
      const got = await backend.read(buffer, 1001);
      buffer.dispose();
      return [exactly("new buffer", got, new Float32Array(1001))];
    },
  },
  {
    name: "dtype-and-length",
    clause: "K-11",
    async run(backend, dtype) {
      const buffer = backend.alloc(dtype, 5);
      const got = await backend.read(buffer, 5);
      buffer.dispose();
      const type = got instanceof Float32Array ? "float32" : "float64";
      if (buffer.dtype !== dtype || buffer.length !== 5)
        throw new Error(`alloc(${dtype}, 5): ${buffer.dtype}, ${buffer.length}`);
      if (type !== dtype) throw new Error(`read() of a ${dtype} buffer gave a ${got.constructor.name}`);
      return [exactly("length", [got.length], [5])];
    },
  },
  {
    name: "length-zero",
    clause: "K-11",
    async run(backend, dtype) {
      const buffer = backend.alloc(dtype, 0);
      backend.write(buffer, hostArray(dtype, 0));
      const got = await backend.read(buffer, 0);
      buffer.dispose();
      return [exactly("empty buffer", got, [])];
    },
  },
  {
    name: "write-copies",
    clause: "K-11",
    async run(backend, dtype, seed) {
      const source = normals(seed, 300, dtype);
      const before = source.slice();
      const buffer = backend.alloc(dtype, 300);
      backend.write(buffer, source);
      source.fill(-1);
      const got = await backend.read(buffer, 300);
      buffer.dispose();
      return [exactly("buffer", got, before)];
    },
  },
  {
    name: "write-at-the-start",
    clause: "K-11",
    async run(backend, dtype) {
      const buffer = backend.alloc(dtype, 7);
      backend.write(buffer, hostArray(dtype, [1, 2, 3, 4, 5, 6, 7]));
      backend.write(buffer, hostArray(dtype, [-1, -2, -3]));
      const [all, some] = await Promise.all([backend.read(buffer, 7), backend.read(buffer, 2)]);
      buffer.dispose();
      return [exactly("all", all, [-1, -2, -3, 4, 5, 6, 7]), exactly("first two", some, [-1, -2])];
    },
  },
  {
    name: "write-a-view",
    clause: "K-11",
    async run(backend, dtype) {
      const whole = hostArray(dtype, [9, 8, 7, 6, 5]);
      const buffer = backend.alloc(dtype, 3);
      backend.write(buffer, whole.subarray(1, 4));
      const got = await backend.read(buffer, 3);
      buffer.dispose();
      return [exactly("buffer", got, [8, 7, 6])];
    },
  },
  {
    name: "read-in-order",
    clause: "K-11",
    async run(backend, dtype) {
      const buffer = backend.alloc(dtype, 100);
      const reads = [];
      for (let step = 1; step <= 5; step++) {
        backend.kernels.fill(100, step, buffer);
        reads.push(backend.read(buffer, 100));
      }
      backend.kernels.fill(100, -1, buffer);
      const got = await Promise.all(reads);
      buffer.dispose();
      return got.map((values, i) => exactly(`read ${i + 1}`, values, new Float32Array(100).fill(i + 1)));
    },
  },
  {
    name: "writes-and-kernels-in-order",
    clause: "K-11",
    async run(backend, dtype) {
      const [a, b] = [backend.alloc(dtype, 64), backend.alloc(dtype, 64)];
      backend.write(a, hostArray(dtype, 64).fill(1));
      backend.kernels.copy(64, a, b); // now b = 1
      backend.write(a, hostArray(dtype, 64).fill(2));
      const [gotA, gotB] = await Promise.all([backend.read(a, 64), backend.read(b, 64)]);
      a.dispose();
      b.dispose();
      return [exactly("a", gotA, new Float32Array(64).fill(2)), exactly("b", gotB, new Float32Array(64).fill(1))];
    },
  },
  {
    name: "read-is-a-copy",
    clause: "K-11",
    async run(backend, dtype) {
      const buffer = backend.alloc(dtype, 4);
      backend.write(buffer, hostArray(dtype, [1, 2, 3, 4]));
      const first = await backend.read(buffer, 4);
      first.fill(-7);
      const second = await backend.read(buffer, 4);
      backend.kernels.fill(4, 5, buffer);
      await backend.finish();
      buffer.dispose();
      return [exactly("a mutated read", second, [1, 2, 3, 4]), exactly("an old read", first, [-7, -7, -7, -7])];
    },
  },
  {
    name: "buffers-do-not-overlap",
    clause: "K-11",
    async run(backend, dtype) {
      const lengths = [1, 3, 4, 63, 65, 257, 1, 5];
      const buffers = lengths.map((length) => backend.alloc(dtype, length));
      for (const [i, buffer] of buffers.entries()) backend.kernels.fill(buffer.length, i + 1, buffer);
      const got = await Promise.all(buffers.map((buffer) => backend.read(buffer, buffer.length)));
      for (const buffer of buffers) buffer.dispose();
      return got.map((values, i) => exactly(`buffer ${i}`, values, new Float32Array(values.length).fill(i + 1)));
    },
  },
  {
    name: "memory-grows-under-old-buffers",
    clause: "K-11",
    async run(backend, dtype, seed) {
      const values = normals(seed, 500, dtype);
      const first = backend.alloc(dtype, 500);
      backend.write(first, values);
      const many = Array.from({ length: 12 }, (_, i) => backend.alloc(dtype, 60_000 + i));
      for (const buffer of many) backend.kernels.fill(buffer.length, -3, buffer);
      const got = await backend.read(first, 500);
      for (const buffer of [first, ...many]) buffer.dispose();
      return [exactly("first buffer", got, values)];
    },
  },
  {
    name: "dispose-twice",
    clause: "K-11",
    async run(backend, dtype) {
      const a = backend.alloc(dtype, 32);
      a.dispose();
      const b = backend.alloc(dtype, 32);
      const c = backend.alloc(dtype, 32);
      a.dispose(); // must not free memory that b or c got
      const d = backend.alloc(dtype, 32);
      const all = [b, c, d];
      for (const [i, buffer] of all.entries()) backend.kernels.fill(32, i + 1, buffer);
      const got = await Promise.all(all.map((buffer) => backend.read(buffer, 32)));
      for (const buffer of all) buffer.dispose();
      return got.map((values, i) => exactly(`buffer ${i}`, values, new Float32Array(32).fill(i + 1)));
    },
  },
  {
    name: "dispose-while-queued",
    clause: "K-11",
    async run(backend, dtype) {
      const [a, b] = [backend.alloc(dtype, 5000), backend.alloc(dtype, 5000)];
      backend.kernels.fill(5000, 4, a);
      backend.kernels.copy(5000, a, b);
      const pending = backend.read(a, 5000);
      a.dispose();
      const c = backend.alloc(dtype, 5000);
      backend.kernels.fill(5000, 6, c);
      const got = await Promise.all([backend.read(b, 5000), backend.read(c, 5000), pending]);
      b.dispose();
      c.dispose();
      return got.map((values, i) =>
        exactly(`buffer ${"bca"[i]}`, values, new Float32Array(5000).fill([4, 6, 4][i] ?? 0)),
      );
    },
  },
];
