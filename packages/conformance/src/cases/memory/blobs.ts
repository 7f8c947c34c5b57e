import { createBatchNorm, createBlob } from "@bn/core";
import type { Comparison } from "../../case.ts";
import { exactly } from "../../truth/exact.ts";
import { hostArray, normals } from "../data.ts";
import type { MemoryRow } from "./row.ts";

export const BLOB_ROWS: readonly MemoryRow[] = [
  {
    name: "blob-starts-at-zero",
    clause: "B-3",
    async run(t) {
      const blob = t.blob([2, 3]);
      const got = await Promise.all([blob.read(), blob.readDiff()]);
      return got.map((values, i) => exactly(i === 0 ? "data" : "diff", values, new Float32Array(6)));
    },
  },
  {
    name: "blob-write-copies-and-rounds",
    clause: "B-5",
    async run(t) {
      const blob = t.blob([3]);
      const values = [0.1, 1 / 3, -1e-3];
      const rounded = hostArray(t.dtype, values);
      const host = rounded.slice();
      blob.write(values);
      blob.writeDiff(host);
      values.fill(0);
      host.fill(0);
      const [data, diff] = await Promise.all([blob.read(), blob.readDiff()]);
      return [exactly("data", data, rounded), exactly("diff", diff, rounded)];
    },
  },
  {
    name: "blob-reshape-keeps-while-it-fits",
    clause: "B-4",
    async run(t) {
      const blob = t.filled([2, 3], [1, 2, 3, 4, 5, 6]);
      blob.writeDiff([6, 5, 4, 3, 2, 1]);
      blob.reshape([2]);
      const small = await Promise.all([blob.read(), blob.readDiff()]);
      blob.reshape([3, 2]);
      const again = await Promise.all([blob.read(), blob.readDiff()]);
      blob.reshape([7]);
      const grown = await Promise.all([blob.read(), blob.readDiff()]);
      return [
        exactly("data of 2", small[0], [1, 2]),
        exactly("diff of 2", small[1], [6, 5]),
        exactly("data of 6 again", again[0], [1, 2, 3, 4, 5, 6]),
        exactly("diff of 6 again", again[1], [6, 5, 4, 3, 2, 1]),
        exactly("data of 7", grown[0], new Float32Array(7)),
        exactly("diff of 7", grown[1], new Float32Array(7)),
      ];
    },
  },
  {
    name: "blob-allocates-for-its-last-shape",
    clause: "B-3",
    async run(t) {
      const blob = t.blob([100, 100]);
      blob.reshape([3]);
      const lengths = [blob.data.length, blob.diff.length];
      return [exactly("lengths of data and diff", lengths, [3, 3])];
    },
  },
  {
    name: "blob-of-no-elements-and-scalar",
    clause: "B-1",
    async run(t) {
      const empty = t.blob([0, 4]);
      const scalar = t.filled([], [5]);
      const [none, one] = await Promise.all([empty.read(), scalar.read()]);
      const counts = [empty.count(), empty.count(1), scalar.count(), scalar.numAxes];
      return [exactly("empty", none, []), exactly("scalar", one, [5]), exactly("counts", counts, [0, 4, 1, 0])];
    },
  },
  {
    // A buffer that the caller made, longer than the shape: contents and length stay until the blob outgrows it.
    name: "blob-over-a-given-buffer",
    clause: "B-6",
    async run({ backend, dtype }) {
      const done: Comparison[] = [];
      for (const [count, length] of [
        [0, 0],
        [0, 3],
        [1, 1],
        [6, 6],
        [6, 15],
        [257, 300],
      ] as const) {
        const what = (part: string) => `${part} of ${count} over a buffer of ${length}`;
        const values = hostArray(dtype, length).map((_, i) => i + 1);
        const own = backend.alloc(dtype, length);
        backend.write(own, values);
        const blob = createBlob(backend, [count], dtype, own);
        const [data, diff] = [await blob.read(), await blob.readDiff()];
        done.push(exactly(what("data"), data, values.subarray(0, count)));
        done.push(exactly(what("diff"), diff, hostArray(dtype, count)));
        blob.write(hostArray(dtype, count).fill(-3));
        const kept = values.slice().fill(-3, 0, count);
        done.push(exactly(what("the buffer after write"), await backend.read(own, length), kept));
        blob.reshape([length]);
        done.push(exactly(what("data, grown to the buffer,"), await blob.read(), kept));
        blob.reshape([length + 1]);
        done.push(exactly(what("data, grown beyond the buffer,"), await blob.read(), hostArray(dtype, length + 1)));
        blob.dispose();
        done.push(exactly(what("owns() after dispose()"), [Number(backend.owns(own))], [0]));
      }
      return done;
    },
  },
  {
    name: "disposal-in-flight",
    clause: "K-11",
    async run(t) {
      const shape = [4, 3, 100];
      const { layer, bottom, top, forward } = t.single(createBatchNorm(), shape, normals(t.id, 1200, t.dtype));
      forward();
      const first = await top.read();
      forward();
      const second = top.read();
      for (const resource of [layer, bottom, top]) resource.dispose();
      await t.backend.finish();
      const got = await second;
      if (got.length !== first.length) throw new Error(`read() gave ${got.length} values, expected ${first.length}`);
      if (got.some((value) => !Number.isFinite(value) || value === 0))
        throw new Error("read() lost values to dispose()");
      return t.backend.supports.deterministic ? [exactly("top", got, first)] : [];
    },
  },
];
