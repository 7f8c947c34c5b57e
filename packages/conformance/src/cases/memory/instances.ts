import { type Backend, createBlob, type Dtype, type HostBuffer } from "@bn/core";
import type { Case, Comparison } from "../../case.ts";
import { exactly } from "../../truth/exact.ts";
import { hostArray } from "../data.ts";

/** A dtype that the backend supports. */
function dtypeOf({ supports }: Backend): Dtype {
  const [dtype] = supports.dtypes;
  if (dtype === undefined) throw new Error("supports.dtypes is empty: a backend has float32, float64 or both");
  return dtype;
}

/** Cases about a backend as a whole, for any dtype. */
export const INSTANCE_CASES: readonly Case[] = [
  {
    id: "memory/host-view",
    group: "memory",
    clause: "K-11",
    needs: { hostVisible: true },
    async run({ backend }) {
      const dtype = dtypeOf(backend);
      const buffer = backend.alloc(dtype, 6);
      backend.kernels.fill(6, 2, buffer);
      const { view } = buffer as { readonly view?: ArrayLike<number> } & typeof buffer;
      if (view === undefined) throw new Error("supports.hostVisible is true, but the buffer has no `view`");
      const got = Array.from(view).slice(0, 6); // the work is done when the call returns, so nothing waits
      backend.alloc(dtype, 1 << 20).dispose();
      buffer.dispose();
      return [exactly("view", got, [2, 2, 2, 2, 2, 2])];
    },
  },
  {
    // The sizes make a paged memory grow. The view that is written from then lies in memory that has moved.
    id: "memory/write-from-a-view",
    group: "memory",
    clause: "B-5",
    needs: { hostVisible: true },
    async run({ backend }) {
      const dtype = backend.supports.dtypes[0] as Dtype;
      const done: Comparison[] = [];
      for (const length of [5, 300_000, 1_500_000]) {
        const [x, y] = [createBlob(backend, [length], dtype), createBlob(backend, [length - 1], dtype)];
        x.write(hostArray(dtype, length).map((_, i) => i % 1000));
        const view = (part: "data" | "diff") => (x[part] as HostBuffer).view;
        y.write(view("data").subarray(1));
        x.writeDiff(view("data"));
        y.writeDiff(view("diff").subarray(0, length - 1));
        const expected = hostArray(dtype, length).map((_, i) => i % 1000);
        const got = await Promise.all([y.read(), x.readDiff(), y.readDiff()]);
        x.dispose();
        y.dispose();
        done.push(exactly(`shifted by one, of ${length}`, got[0], expected.subarray(1)));
        done.push(exactly(`data to diff, of ${length}`, got[1], expected));
        done.push(exactly(`diff to diff, of ${length}`, got[2], expected.subarray(0, -1)));
      }
      return done;
    },
  },
  {
    id: "memory/backend-disposal",
    group: "memory",
    clause: "K-11",
    needs: {},
    async run({ create }) {
      const backend = await create();
      const before = backend.disposed;
      await backend.dispose();
      await backend.dispose();
      return [exactly("disposed before, after", [Number(before), Number(backend.disposed)], [0, 1])];
    },
  },
  {
    id: "memory/two-instances",
    group: "memory",
    clause: "K-11",
    needs: {},
    async run({ backend, create }) {
      const other = await create();
      const dtype = dtypeOf(backend);
      const [a, b] = [backend.alloc(dtype, 16), other.alloc(dtype, 16)];
      backend.kernels.fill(16, 1, a);
      other.kernels.fill(16, 2, b);
      const gotB = await other.read(b, 16);
      await other.dispose();
      const gotA = await backend.read(a, 16);
      a.dispose();
      return [
        exactly("ours", gotA, new Float32Array(16).fill(1)),
        exactly("other", gotB, new Float32Array(16).fill(2)),
      ];
    },
  },
];
