import type { Backend, Dtype } from "@bn/core";
import type { Case, Comparison, Needs } from "../../case.ts";
import { exactly } from "../../truth/exact.ts";
import { DTYPES, hostArray } from "../data.ts";
import { EXTENTS, type Tier } from "../sweep/sizes.ts";

/** Values that memory must not change, by the property that a kernel needs to preserve them. */
interface Kind {
  readonly name: string;
  readonly needs: Needs;
  readonly float32: readonly number[];
  readonly float64: readonly number[];
}

const KINDS: readonly Kind[] = [
  {
    name: "finite",
    needs: {},
    // Zeros, ones, the ends of the range, the last bit, integers beyond 31 and 32 bits, and values that the dtype rounds.
    float32: [0, -0, 1, -1, 2 ** 128 - 2 ** 104, -(2 ** 128 - 2 ** 104), 2 ** -126, 1 + 2 ** -23, 2 ** 31, -3e9, 0.1],
    float64: [
      0,
      -0,
      1,
      -1,
      Number.MAX_VALUE,
      -Number.MAX_VALUE,
      2 ** -1022,
      1 + 2 ** -52,
      2 ** 53 - 1,
      -3e9,
      0.1,
      1e300,
      -1e-300,
    ],
  },
  {
    name: "non-finite",
    needs: { nonFinite: true },
    float32: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e39, -1],
    float64: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1],
  },
  {
    name: "subnormal",
    needs: { subnormals: true },
    float32: [2 ** -149, -(2 ** -149), 2 ** -126 - 2 ** -149, 2 ** -130, -1],
    float64: [Number.MIN_VALUE, -Number.MIN_VALUE, 2 ** -1022 - 2 ** -1074, 1e-310, -1],
  },
];

/** `write` and `read` compute nothing, so they keep every value on every backend. */
const CALLS: Readonly<
  Record<
    string,
    {
      readonly clause: string;
      readonly computes: boolean;
      run(backend: Backend, dtype: Dtype, values: readonly number[], n: number): Promise<Comparison[]>;
    }
  >
> = {
  fill: {
    clause: "K-9",
    computes: true,
    async run(backend, dtype, values, n) {
      const done: Comparison[] = [];
      const y = backend.alloc(dtype, n);
      for (const value of values) {
        backend.kernels.fill(n, value, y);
        const expected = hostArray(dtype, n).fill(value);
        done.push(exactly(`fill of ${n} with ${textOf(value)}`, await backend.read(y, n), expected));
      }
      y.dispose();
      return done;
    },
  },
  copy: {
    clause: "K-9",
    computes: true,
    async run(backend, dtype, values, n) {
      const host = repeated(dtype, values, n);
      const [x, y] = [backend.alloc(dtype, n), backend.alloc(dtype, n)];
      backend.write(x, host);
      backend.kernels.copy(n, x, y);
      const got = [await backend.read(y, n), await backend.read(x, n)] as const;
      x.dispose();
      y.dispose();
      return [exactly(`y after copy of ${n}`, got[0], host), exactly(`x after copy of ${n}`, got[1], host)];
    },
  },
  write: {
    clause: "K-11",
    computes: false,
    async run(backend, dtype, values, n) {
      const host = repeated(dtype, values, n);
      const y = backend.alloc(dtype, n);
      backend.write(y, host);
      const got = await backend.read(y, n);
      y.dispose();
      return [exactly(`${n} elements written and read`, got, host)];
    },
  },
};

/** Repeats the values so that each of them occurs in every lane of a vector. */
function repeated(dtype: Dtype, values: readonly number[], length: number) {
  return hostArray(dtype, length).map((_, i) => values[i % values.length] as number);
}

function textOf(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** Special values in memory, at every size of the sweep. */
export function valueCases(tier: Tier): Case[] {
  const { sizes } = EXTENTS[tier];
  return DTYPES.flatMap((dtype) =>
    Object.entries(CALLS).flatMap(([call, { clause, computes, run }]) =>
      KINDS.map(
        ({ name, needs, [dtype]: values }): Case => ({
          id: `memory/values/${call}/${name}/${dtype}`,
          group: "memory",
          clause,
          needs: computes ? { dtype, ...needs } : { dtype },
          async run({ backend }) {
            const done: Comparison[] = [];
            for (const n of sizes) done.push(...(await run(backend, dtype, values, n)));
            return done;
          },
        }),
      ),
    ),
  );
}
