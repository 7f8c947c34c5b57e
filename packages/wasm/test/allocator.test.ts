import { describe, expect, test } from "vitest";
import { createAllocator } from "../src/allocator.ts";
import { randomOf } from "./kit.ts";

interface Taken {
  readonly address: number;
  readonly bytes: number;
}

const SIZES = [
  (r: number) => Math.floor(r * 200),
  (r: number) => Math.floor(r * 70_000),
  (r: number) => 64 * Math.floor(r * 40),
  (r: number) => 2 ** Math.floor(r * 20),
];
const ORDERS: Record<string, (live: Taken[], r: number) => number> = {
  random: (live, r) => Math.floor(r * live.length),
  "last first": (live) => live.length - 1,
  "first first": () => 0,
};

describe("allocator", () => {
  for (const [order, pick] of Object.entries(ORDERS)) {
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      test(`fuzz, ${order}, seed ${seed}: no overlap, all comes back`, () => {
        const random = randomOf(seed * 7919);
        const limit = 2 ** 24;
        let end = 2 ** 16;
        const allocator = createAllocator(1000, end, (needed) => {
          if (needed > limit) return 0;
          end = Math.ceil(needed / 65536) * 65536;
          return end;
        });
        const live: Taken[] = [];
        let refused = 0;
        for (let step = 0; step < 4000; step++) {
          if (live.length === 0 || random() < 0.55) {
            const bytes = (SIZES[Math.floor(random() * SIZES.length)] as (r: number) => number)(random());
            const { address } = allocator.take(bytes);
            if (address < 0) refused++;
            else live.push({ address, bytes });
          } else {
            const [gone] = live.splice(pick(live, random()), 1) as [Taken];
            allocator.give(gone.address, gone.bytes);
          }
          if (step % 50 === 0) checkApart(live, end);
        }
        checkApart(live, end);
        for (const { address, bytes } of live) allocator.give(address, bytes);
        expect(allocator.used).toBe(0);
        // The whole range is free again, so it can be allocated as one block.
        const whole = end - 1024;
        expect(allocator.take(whole).address).toBe(1024);
        expect(refused).toBeLessThan(4000);
      });
    }
  }

  test("refuses what does not fit, and takes what does afterwards", () => {
    const allocator = createAllocator(0, 1024, () => 0);
    expect(allocator.take(1025).address).toBe(-1);
    expect(allocator.take(1024).address).toBe(0);
    expect(allocator.take(1).address).toBe(-1);
    allocator.give(0, 1024);
    expect(allocator.take(1).address).toBe(0);
  });

  test("knows what was never written", () => {
    const allocator = createAllocator(0, 1024, () => 0);
    expect(allocator.take(64)).toEqual({ address: 0, clean: true });
    expect(allocator.take(64)).toEqual({ address: 64, clean: true });
    allocator.give(0, 64);
    expect(allocator.take(64)).toEqual({ address: 0, clean: false });
  });
});

function checkApart(live: readonly Taken[], end: number): void {
  const sorted = [...live].sort((a, b) => a.address - b.address);
  let last = 1000;
  for (const { address, bytes } of sorted) {
    if (address % 64 !== 0 || address < last) throw new Error(`block at ${address} overlaps one that ends at ${last}`);
    last = address + Math.max(bytes, 1);
  }
  expect(last).toBeLessThanOrEqual(end);
}
