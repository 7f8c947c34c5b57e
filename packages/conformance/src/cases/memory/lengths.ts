import type { Backend, Dtype, HostArray } from "@bn/core";
import type { Case, Comparison } from "../../case.ts";
import { exactly } from "../../truth/exact.ts";
import { DTYPES, hostArray } from "../data.ts";
import { EXTENTS, type Tier } from "../sweep/sizes.ts";
import { Fence } from "./fence.ts";

/** A call on `n` elements. Its buffers are longer than that: x by `before`, y by `behind`. */
interface Call {
  readonly backend: Backend;
  readonly dtype: Dtype;
  readonly n: number;
  readonly before: number;
  readonly behind: number;
  readonly fence: Fence;
}

/** By how many elements x and y are longer than a call needs. */
const SPARE: readonly (readonly [before: number, behind: number])[] = [
  [0, 0],
  [0, 1],
  [1, 0],
  [2, 3],
  [3, 1],
  [64, 0],
  [5, 64],
];
/** Longer calls are run with fewer of them. */
const MANY = 300;
/** The lengths of the buffers that are passed to a call on no elements. */
const EMPTY: typeof SPARE = [...SPARE, [1, 1], [255, 256], [4097, 4096], [70_000, 70_001]];

const rising = (dtype: Dtype, from: number, length: number) => hostArray(dtype, length).map((_, i) => from + i);

const CALLS: Readonly<Record<string, { readonly clause: string; run(call: Call): Promise<Comparison[]> }>> = {
  fill: {
    clause: "K-9",
    async run({ backend, dtype, n, behind, fence }) {
      const values = rising(dtype, 1, n + behind);
      const y = fence.buffer("y", values);
      backend.kernels.fill(n, -2.5, y);
      fence.expect(y, values.slice().fill(-2.5, 0, n));
      return fence.compared();
    },
  },
  copy: {
    clause: "K-9",
    async run({ backend, dtype, n, before, behind, fence }) {
      const [from, to] = [rising(dtype, 1, n + before), rising(dtype, -90_000, n + behind)];
      const [x, y] = [fence.buffer("x", from), fence.buffer("y", to)];
      backend.kernels.copy(n, x, y);
      fence.expect(y, overwritten(to, from.subarray(0, n)));
      return fence.compared();
    },
  },
  /** Writes from the middle of an array, which has `before` elements before the written ones and as many after them. */
  write: {
    clause: "K-11",
    async run({ backend, dtype, n, before, behind, fence }) {
      const [from, to] = [rising(dtype, 1, before + n + before), rising(dtype, -90_000, n + behind)];
      const y = fence.buffer("y", to);
      const part = from.subarray(before, before + n);
      backend.write(y, part);
      fence.expect(y, overwritten(to, part));
      return [...(await fence.compared()), exactly("the array", from, rising(dtype, 1, from.length))];
    },
  },
  read: {
    clause: "K-11",
    async run({ backend, dtype, n, behind, fence }) {
      const values = rising(dtype, 1, n + behind);
      const y = fence.buffer("y", values);
      const got = await backend.read(y, n);
      const done = [exactly("what was read", got, values.subarray(0, n))];
      got.fill(-1);
      return [...done, ...(await fence.compared())];
    },
  },
};

/** A call on n elements, n = 0 included, changes only those: not the rest of its buffers, and no other buffer. */
export function lengthCases(tier: Tier): Case[] {
  const lengths = EXTENTS[tier].sizes.filter((n) => n <= 2 ** 13);
  const rows = [
    ...EMPTY.map(([before, behind]) => ({ n: 0, before, behind })),
    ...lengths.flatMap((n, i) =>
      (n <= MANY ? SPARE : SPARE.filter((_, k) => k % 3 === i % 3)).map(([before, behind]) => ({ n, before, behind })),
    ),
  ];
  return DTYPES.flatMap((dtype) =>
    Object.entries(CALLS).map(
      ([name, { clause, run }]): Case => ({
        id: `memory/lengths/${name}/${dtype}`,
        group: "memory",
        clause,
        needs: { dtype },
        async run({ backend }) {
          const done: Comparison[] = [];
          for (const row of rows) {
            const fence = new Fence(backend, dtype);
            try {
              const found = await run({ ...row, backend, dtype, fence });
              done.push(...found.map((one) => ({ ...one, what: `${one.what}, ${textOf(name, row)}` })));
            } finally {
              fence.dispose();
            }
          }
          return done;
        },
      }),
    ),
  );
}

function textOf(name: string, { n, before, behind }: Pick<Call, "n" | "before" | "behind">): string {
  const x = name === "copy" ? ` from a buffer of ${n + before}` : name === "write" ? ` from element ${before}` : "";
  return `${name} of ${n}${x}, y of ${n + behind}`;
}

function overwritten(values: HostArray, by: HostArray): HostArray {
  const made = values.slice();
  made.set(by);
  return made;
}
