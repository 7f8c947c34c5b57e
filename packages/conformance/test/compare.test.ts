import { expect, it } from "vitest";
import { compare, indexOf } from "../src/truth/compare.ts";

const g = { outer: 2, channels: 2, inner: 2 };
const eight = [0, 1, 2, 3, 4, 5, 6, 7];
const changed = (i: number, value: number) => eight.map((old, at) => (at === i ? value : old));

it("finds the element that is worst in units of its own bound, not the largest error", () => {
  const bound = [1, 1, 1, 0.001, 1, 1, 1, 1];
  const found = compare("y", [0, 1, 2.5, 3.01, 4, 5, 6, 7], eight, bound, g, "why");
  expect(found).toMatchObject({ what: "y", got: 3.01, expected: 3, bound: 0.001, note: "why" });
  expect(found.at).toEqual({ outer: 0, channel: 1, inner: 1 });
  expect(found.ratio).toBeCloseTo(10);
  expect(found.error).toBeCloseTo(0.01);
});

it.each([
  ["equal values under bound 0", eight, eight, 0, 0],
  ["0 and -0", [0], [-0], 0, 0],
  ["NaN for NaN", [Number.NaN], [Number.NaN], 0, 0],
  ["the same infinity", [Number.NEGATIVE_INFINITY], [Number.NEGATIVE_INFINITY], 0, 0],
  ["nothing at all", [], [], 0, 0],
  ["an error at its bound", [1.5], [1], 0.5, 1],
  ["NaN for a number", [Number.NaN], [1], 1, Number.POSITIVE_INFINITY],
  ["a number for NaN", [1], [Number.NaN], 1, Number.POSITIVE_INFINITY],
  ["the other infinity", [Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY], 1, Number.POSITIVE_INFINITY],
  ["an error under bound 0", [1], [2], 0, Number.POSITIVE_INFINITY],
  ["an error under an infinite bound", [1], [2], Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ["an error under a bound that is NaN", [1], [2], Number.NaN, Number.POSITIVE_INFINITY],
])("gives %s its ratio", (_, got, expected, bound, ratio) => {
  expect(compare("y", got, expected, bound, g).ratio).toBe(ratio);
});

it("is not silenced by a NaN that comes after or before a worse element", () => {
  expect(compare("y", changed(2, Number.NaN), eight, 1, g)).toMatchObject({ ratio: Number.POSITIVE_INFINITY });
  expect(compare("y", changed(7, Number.NaN), eight, 1, g).at).toEqual({ outer: 1, channel: 1, inner: 1 });
});

it("refuses other lengths", () => {
  expect(() => compare("y", [1, 2], [1], 0, g)).toThrow("y: 2 elements, expected 1");
});

it("indexes [outer][channels][inner]", () => {
  expect(indexOf(17, { outer: 2, channels: 3, inner: 5 })).toEqual({ outer: 1, channel: 0, inner: 2 });
});
