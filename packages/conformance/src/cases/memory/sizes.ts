import type { Backend, Dtype, HostArray } from "@bn/core";
import type { Case, Comparison } from "../../case.ts";
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
          for (const length of new Set([size - 1, size, size + 1]))
            done.push(...(await oneSize(backend, dtype, length)));
          return done;
        },
      };
    }),
  );
}

async function oneSize(backend: Backend, dtype: Dtype, length: number): Promise<Comparison[]> {
  const done: Comparison[] = [];
  const zero = async (what: string, n: number) => {
    const buffer = backend.alloc(dtype, n);
    done.push(firstDifference(what, await backend.read(buffer, n), n, () => 0));
    buffer.dispose();
  };
  await zero(`${length} new elements`, length);
  const dirty = backend.alloc(dtype, length);
  backend.write(dirty, hostArray(dtype, length).fill(DIRT));
  dirty.dispose();
  await zero(`${length} elements of recycled memory`, length);
  const again = backend.alloc(dtype, length);
  backend.kernels.fill(length, DIRT, again);
  await backend.finish();
  again.dispose();
  await zero(`${Math.ceil(length / 2)} elements of larger recycled memory`, Math.ceil(length / 2));

  const values = hostArray(dtype, length);
  for (let i = 0; i < length; i++) values[i] = patternAt(i);
  const buffer = backend.alloc(dtype, length);
  backend.write(buffer, values);
  values.fill(DIRT);
  const part = Math.floor((2 * length) / 3);
  done.push(firstDifference(`the first ${part} of ${length}`, await backend.read(buffer, part), part, patternAt));
  const whole = await backend.read(buffer, length);
  done.push(firstDifference(`${length} elements written and read`, whole, length, patternAt));
  backend.write(buffer, hostArray(dtype, part).fill(1));
  const mixed = (i: number) => (i < part ? 1 : patternAt(i));
  const got = await backend.read(buffer, length);
  done.push(firstDifference(`${length} elements, the first ${part} written again`, got, length, mixed));
  buffer.dispose();
  return done;
}

const DIRT = 3;

/** The period of the pattern is neither a power of two nor the size of a buffer. */
function patternAt(i: number): number {
  return (i % 8191) + 1;
}

/** Compares bit for bit, and reports the first element that differs. */
function firstDifference(what: string, got: HostArray, length: number, expected: (i: number) => number): Comparison {
  if (got.length !== length) throw new Error(`${what}: read() gave ${got.length} values, expected ${length}`);
  let at = 0;
  while (at < length && got[at] === expected(at)) at++;
  const equal = at === length;
  return {
    what,
    error: equal ? 0 : Math.abs((got[at] as number) - expected(at)),
    bound: 0,
    ratio: equal ? 0 : Number.POSITIVE_INFINITY,
    at: { outer: 0, channel: 0, inner: equal ? 0 : at },
    got: equal ? 0 : (got[at] as number),
    expected: equal ? 0 : expected(at),
  };
}
