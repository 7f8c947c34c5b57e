import type { Backend, Dtype, HostArray } from "@bn/core";
import type { Case, Comparison } from "../../case.ts";
import { fillWithPattern, inStretches, type Stretch } from "../../truth/exact.ts";
import { DTYPES, hostArray } from "../data.ts";
import { EXTENTS, type Tier } from "../sweep/sizes.ts";

/**
 * K-11 in every size class: sizes around each power of two, in fresh memory and in memory that other buffers have
 * filled.
 */
export function sizeCases(tier: Tier): Case[] {
  const classes = Math.log2(EXTENTS[tier].memory);
  return DTYPES.flatMap((dtype) =>
    Array.from({ length: classes + 1 }, (_, k): Case => {
      const size = 2 ** k;
      return {
        id: `memory/size-${size}/${dtype}`,
        group: "memory",
        clause: "K-11",
        needs: { dtype },
        async run({ backend }) {
          const done: Comparison[] = [];
          for (const length of new Set([size - 1, size, size + 1])) {
            done.push(...(await freshAndRecycled(backend, dtype, length)), ...(await moved(backend, dtype, length)));
          }
          return done;
        },
      };
    }),
  );
}

const DIRT = 3;

const all = (end: number, value: number | null): readonly Stretch[] => [{ end, value }];
const split = (at: number, first: number | null, end: number, second: number | null): readonly Stretch[] => [
  { end: at, value: first },
  { end, value: second },
];

/** New memory is zero, even if it was used before: by a host write, a kernel, another dtype, or a larger buffer. */
async function freshAndRecycled(backend: Backend, dtype: Dtype, length: number): Promise<Comparison[]> {
  const done: Comparison[] = [];
  const zero = async (what: string, n: number) => {
    const buffer = backend.alloc(dtype, n);
    if (buffer.length !== n || buffer.dtype !== dtype)
      throw new Error(`alloc(${dtype}, ${n}) gave ${buffer.length} ${buffer.dtype}`);
    done.push(inStretches(what, await backend.read(buffer, n), all(n, 0)));
    buffer.dispose();
  };
  await zero(`${length} new elements`, length);
  const dirty = backend.alloc(dtype, length);
  backend.write(dirty, hostArray(dtype, length).fill(DIRT));
  dirty.dispose();
  await zero(`${length} elements of recycled memory`, length);
  const again = backend.alloc(dtype, length);
  backend.kernels.fill(length, DIRT, again);
  done.push(inStretches(`fill of ${length}`, await backend.read(again, length), all(length, DIRT)));
  again.dispose();
  const half = Math.ceil(length / 2);
  await zero(`${half} elements of larger recycled memory`, half);
  const other = backend.supports.dtypes.find((one) => one !== dtype);
  if (other === undefined) return done;
  const bytes = dtype === "float64" ? 2 * length : half;
  const foreign = backend.alloc(other, bytes);
  backend.kernels.fill(bytes, DIRT, foreign);
  foreign.dispose();
  await zero(`${length} elements of memory that was ${other}`, length);
  return done;
}

/** `write`, `read`, `copy` and `fill` affect exactly the given elements. Arrays that were read before do not change. */
async function moved(backend: Backend, dtype: Dtype, length: number): Promise<Comparison[]> {
  const part = Math.floor((2 * length) / 3);
  const most = Math.max(length - 1, 0);
  const half = Math.floor(length / 2); // less than part
  const [x, y] = [backend.alloc(dtype, length), backend.alloc(dtype, length)];
  const host = hostArray(dtype, length);
  fillWithPattern(host);
  backend.write(x, host);
  host.fill(DIRT);
  backend.kernels.copy(length, x, y);
  const some = await backend.read(x, part);
  const whole = await backend.read(x, length);
  backend.write(x, hostArray(dtype, part).fill(1));
  const mixed = await backend.read(x, length);
  const copied = await backend.read(y, length);
  backend.kernels.fill(most, 5, y);
  backend.kernels.copy(half, x, y);
  const over = await backend.read(y, length);
  x.dispose();
  y.dispose();
  const rows: readonly (readonly [what: string, got: HostArray, expected: readonly Stretch[]])[] = [
    [`the first ${part} of ${length}`, some, all(part, null)],
    [`${length} elements written and read`, whole, all(length, null)],
    [`${length} elements, the first ${part} written again`, mixed, split(part, 1, length, null)],
    [`copy of ${length}`, copied, all(length, null)],
    [
      `${length} elements, all but the last filled, then half copied`,
      over,
      [
        { end: half, value: 1 },
        { end: most, value: 5 },
        { end: length, value: null },
      ],
    ],
  ];
  return rows.map(([what, got, expected]) => inStretches(what, got, expected));
}
