import { errorOf, expectEqual, type RankCase } from "./case.ts";

/** Cases for the promises of every communicator, however it moves its numbers. */
export const communicatorCases: readonly RankCase[] = [
  {
    name: "allGather: rank order, and other ranks' numbers to the bit",
    run({ rank, size, allGather }) {
      const values = new Float64Array([rank, 2 ** -1074 * (rank + 1), -0, Number.MAX_VALUE]);
      const all = allGather("order", values);
      expectEqual(all.length, 4 * size);
      for (let of = 0; of < size; of++) {
        expectEqual([...all.subarray(4 * of, 4 * of + 2)], [of, 2 ** -1074 * (of + 1)]);
        expectEqual(Object.is(all[4 * of + 2], -0), true);
        expectEqual(all[4 * of + 3], Number.MAX_VALUE);
      }
    },
  },
  {
    name: "allGather: NaN and infinities arrive",
    run({ allGather }) {
      const all = allGather("specials", new Float64Array([Number.NaN, Number.POSITIVE_INFINITY]));
      all.forEach((value, i) => {
        expectEqual(String(value), i % 2 === 0 ? "NaN" : "Infinity");
      });
    },
  },
  {
    name: "allGather: any length, longer and shorter again, and without values a barrier",
    run({ rank, size, allGather }) {
      for (const length of [1, 0, 384, 385, 1728, 1729, 4095, 4096, 4097, 20_000, 3, 0, 8192]) {
        const all = allGather(
          "lengths",
          Float64Array.from({ length }, (_, i) => rank * 1e6 + i),
        );
        expectEqual(all.length, size * length);
        for (let i = 0; i < all.length; i += 997) {
          expectEqual(all[i], Math.floor(i / length) * 1e6 + (i % length), `element ${i} of ${length}`);
        }
      }
    },
  },
  {
    name: "allGather: gives a copy, and takes one",
    run({ allGather }) {
      const values = new Float64Array([1, 2]);
      const first = allGather("copies", values);
      values.fill(7);
      first.fill(9);
      expectEqual(
        [...allGather("copies", values)].every((value) => value === 7),
        true,
      );
      expectEqual(
        [...first].every((value) => value === 9),
        true,
      );
    },
  },
  {
    name: "allGather: into memory that is given, whether the numbers come in one exchange or in two",
    run({ rank, size, allGather }) {
      for (const length of [2, 2, 2, 0, 300, 2, 300, 2, 9000]) {
        const memory = new Float64Array(size * length + 2).fill(-1);
        const all = memory.subarray(1, memory.length - 1);
        expectEqual(allGather("into", new Float64Array(length).fill(rank), all) === all, true);
        expectEqual([memory[0], memory.at(-1)], [-1, -1], `around ${length}`);
        for (let i = 0; i < all.length; i++) {
          if (all[i] !== Math.floor(i / length))
            expectEqual(all[i], Math.floor(i / length), `element ${i} of ${length}`);
        }
      }
    },
  },
  {
    name: "a rank with another tag: all ranks throw, the same message, and go on",
    run({ rank, size, allGather }) {
      if (size === 1) return;
      const odd = size - 1;
      const name = (of: number) => (of === odd ? 'BatchNorm "ü2" forward' : 'BatchNorm "bn1" forward');
      for (let repeat = 0; repeat < (size > 4 ? 10 : 100); repeat++) {
        const { code, message } = errorOf(() => allGather(name(rank), new Float64Array(3)));
        expectEqual(code, "ERR_BN_SYNC");
        expectEqual(
          message,
          `Communicator allGather: ranks are out of step: rank 0 is at ${name(0)}, rank ${odd} at ${name(odd)}; make the same calls in the same order on every rank`,
        );
      }
      expectEqual(
        [...allGather("after", new Float64Array([rank]))],
        Array.from({ length: size }, (_, of) => of),
      );
    },
  },
  {
    name: "tags that differ only behind what a message shows",
    run({ rank, size, allGather }) {
      if (size === 1) return;
      const { code } = errorOf(() => allGather(`${"long ".repeat(100)}${rank}`, new Float64Array(1)));
      expectEqual(code, "ERR_BN_SYNC");
    },
  },
  {
    name: "a rank with another number of values: all ranks throw and go on",
    run({ rank, size, allGather }) {
      if (size === 1) return;
      const { code, message } = errorOf(() => allGather("counts", new Float64Array(rank === 1 ? 10_000 : 5)));
      expectEqual(code, "ERR_BN_SYNC");
      expectEqual(message.includes("rank 0 has 5 values, rank 1 10000"), true, message);
      expectEqual(allGather("after", new Float64Array([rank])).length, size);
    },
  },
  {
    name: "arguments of the wrong type are refused before any exchange",
    run({ size, allGather }) {
      const wrong = allGather as (tag: unknown, values: unknown, all?: unknown) => unknown;
      expectEqual(errorOf(() => wrong(3, new Float64Array(1))).code, "ERR_BN_PARAM");
      expectEqual(errorOf(() => wrong("tag", [1, 2])).code, "ERR_BN_PARAM");
      expectEqual(errorOf(() => wrong("tag", new Float32Array(1))).code, "ERR_BN_PARAM");
      const memory = new Float64Array(size + 1);
      const one = memory.subarray(0, 1);
      for (const all of [null, [0], new Float32Array(size), memory, memory.subarray(0, size)]) {
        expectEqual(errorOf(() => wrong("tag", one, all)).code, "ERR_BN_PARAM");
      }
      expectEqual(allGather("apart", one, memory.subarray(1)).length, size);
    },
  },
];
