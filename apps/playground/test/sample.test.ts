import { afterEach, expect, it, vi } from "vitest";
import { sample } from "../src/speed/sample.ts";

afterEach(() => vi.restoreAllMocks());

it("a sample is longer than a step of the clock, whatever the first call took", async () => {
  // A clock in steps of 1 ms, the first call of 6 ms, and then calls of 1 us.
  let us = 0;
  let first = true;
  vi.spyOn(performance, "now").mockImplementation(() => Math.floor(us / 1000));
  const run = async () => {
    us += first ? 6000 : 1;
    first = false;
  };
  const one = { calls: 1 };
  await sample(one, { run });
  expect(await sample(one, { run })).toBeCloseTo(0.001, 3);
  expect(one.calls).toBeGreaterThanOrEqual(4000);
});
