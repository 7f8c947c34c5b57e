import { expect, test } from "vitest";
import { matcher } from "../src/filter.ts";

test.each([
  ["batch", "forward/batch/a", true],
  ["Batch", "forward/batch/a", false],
  ["forward/*", "forward/batch/a", true],
  ["*/a", "forward/batch/a", true],
  ["*batch", "forward/batch/a", false],
  ["forward/batch/?", "forward/batch/a", true],
  ["forward/batch/?", "forward/batch/ab", false],
  ["a.c*", "abc", false],
  ["(1+1)", "x(1+1)y", true],
])("%s on %s: %s", (filter, id, expected) => {
  expect(matcher(filter)(id)).toBe(expected);
});
