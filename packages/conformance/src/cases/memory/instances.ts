import type { Case } from "../../case.ts";
import { same } from "./row.ts";

/** What concerns a backend as a whole, whatever the dtype. */
export const INSTANCE_CASES: readonly Case[] = [
  {
    id: "memory/host-view",
    group: "memory",
    clause: "K-11",
    needs: { hostVisible: true },
    async run({ backend }) {
      const buffer = backend.alloc("float32", 6);
      backend.kernels.fill(6, 2, buffer);
      const { view } = buffer as { readonly view?: ArrayLike<number> } & typeof buffer;
      if (view === undefined) throw new Error("supports.hostVisible is true, but the buffer has no `view`");
      const got = Array.from(view).slice(0, 6); // done when the call returns: no wait
      backend.alloc("float32", 1 << 20).dispose();
      buffer.dispose();
      return [same("view", got, [2, 2, 2, 2, 2, 2])];
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
      if (before || !backend.disposed) throw new Error(`disposed was ${before}, after dispose() ${backend.disposed}`);
      return [];
    },
  },
  {
    id: "memory/two-instances",
    group: "memory",
    clause: "K-11",
    needs: {},
    async run({ backend, create }) {
      const other = await create();
      const [a, b] = [backend.alloc("float32", 16), other.alloc("float32", 16)];
      backend.kernels.fill(16, 1, a);
      other.kernels.fill(16, 2, b);
      const gotB = await other.read(b, 16);
      await other.dispose();
      const gotA = await backend.read(a, 16);
      a.dispose();
      return [same("ours", gotA, new Float32Array(16).fill(1)), same("other", gotB, new Float32Array(16).fill(2))];
    },
  },
];
