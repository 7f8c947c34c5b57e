import { describe, expect, it } from "vitest";
import { hostArray } from "../src/cases/data.ts";
import { exactly, fillWithPattern, inStretches, patternAt } from "../src/truth/exact.ts";

const INFINITE = Number.POSITIVE_INFINITY;

it.each([
  ["equal values", [1, 2], [1, 2], 0],
  ["zeros of one sign", [0, -0], [0, -0], 0],
  ["NaN for NaN", [Number.NaN], [Number.NaN], 0],
  ["nothing at all", [], [], 0],
  ["-0 for 0", [-0], [0], INFINITE],
  ["0 for -0", [0], [-0], INFINITE],
  ["0 for NaN", [0], [Number.NaN], INFINITE],
  ["NaN for a number", [Number.NaN], [1], INFINITE],
  ["NaN for an infinity", [Number.NaN], [INFINITE], INFINITE],
  ["an infinity for NaN", [INFINITE], [Number.NaN], INFINITE],
  ["one infinity for the other", [-INFINITE], [INFINITE], INFINITE],
  ["a last bit", [1 + 2 ** -52], [1], INFINITE],
  ["a subnormal lost", [0], [2 ** -1074], INFINITE],
])("gives %s its ratio", (_, got, expected, ratio) => {
  expect(exactly("y", got, expected).ratio).toBe(ratio);
});

describe.each(["float32", "float64"] as const)("of %s", (dtype) => {
  const right = hostArray(dtype, 37).map((_, i) => i / 2 - 3);
  right.set([Number.NaN, -0, INFINITE], 20);

  it("finds each element that differs, in arrays at any place of their memory", () => {
    const padded = hostArray(dtype, 40);
    const got = padded.subarray(3);
    for (let i = 0; i < right.length; i++) {
      got.set(right);
      expect(exactly("y", got, right).ratio).toBe(0);
      got[i] = i === 20 ? 1 : -(right[i] as number);
      expect(exactly("y", got, right), `${i}`).toMatchObject({ ratio: INFINITE, at: { inner: i } });
    }
  });
  it("compares with numbers of another type, and a NaN with other bits", () => {
    expect(exactly("y", right, Float64Array.from(right)).ratio).toBe(0);
    expect(exactly("y", right, [...right]).ratio).toBe(0);
    const other = right.slice();
    new Uint8Array(other.buffer, 20 * other.BYTES_PER_ELEMENT)[0] = 1;
    expect(other[20]).toBeNaN();
    expect(exactly("y", other, right).ratio).toBe(0);
    other[30] = 0;
    expect(exactly("y", other, right)).toMatchObject({ ratio: INFINITE, at: { inner: 30 } });
  });
  it("writes the pattern that it compares with", () => {
    for (const length of [0, 1, 8190, 8191, 8192, 30_000]) {
      const values = hostArray(dtype, length);
      fillWithPattern(values);
      expect(values).toEqual(hostArray(dtype, length).map((_, i) => patternAt(i)));
      expect(inStretches("y", values, [{ end: length, value: null }]).ratio).toBe(0);
    }
  });
  it("does not round the value that it expects", () => {
    const expected = dtype === "float32" ? INFINITE : 0;
    expect(inStretches("y", hostArray(dtype, 50).fill(0.1), [{ end: 50, value: 0.1 }]).ratio).toBe(expected);
  });
});

it("says which element differs first, and that it is the sign", () => {
  expect(exactly("y", [1, 5, 6], [1, 2, 3])).toMatchObject({ at: { inner: 1 }, got: 5, expected: 2, error: 3 });
  expect(exactly("y", [0, -0], [0, 0])).toMatchObject({ at: { inner: 1 }, note: "the sign of a zero" });
});

it("refuses other lengths", () => {
  expect(() => exactly("y", [1, 2], [1])).toThrow("y: 2 elements, expected 1");
  expect(() => inStretches("y", [1], [{ end: 2, value: 1 }])).toThrow("y: 1 elements, expected 2");
});

it("compares stretches of a value and of the pattern, at each end of each", () => {
  const length = 20_000;
  const stretches = [
    { end: 10, value: 5 },
    { end: length - 1, value: null },
    { end: length, value: 0 },
  ];
  const right = Float64Array.from({ length }, (_, i) => (i < 10 ? 5 : i < length - 1 ? patternAt(i) : 0));
  expect(inStretches("y", right, stretches).ratio).toBe(0);
  for (const at of [0, 9, 10, 8190, 8191, 16_382, length - 2, length - 1]) {
    const wrong = right.slice();
    wrong[at] = -1;
    const found = inStretches("y", wrong, stretches);
    expect(found).toMatchObject({ ratio: INFINITE, got: -1, expected: right[at], at: { inner: at } });
  }
  expect(inStretches("y", [-0], [{ end: 1, value: 0 }]).ratio).toBe(INFINITE);
});
