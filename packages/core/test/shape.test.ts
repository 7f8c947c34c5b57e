import { describe, expect, it } from "vitest";
import { canonicalAxis, checkShape, countOf, geometryOf, sameShape, shapeText } from "../src/shape.ts";

/** The error that `call` throws, as `code: message`. */
function thrown(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code}: ${message}`;
  }
  return "nothing";
}

describe("checkShape (B-1)", () => {
  it("gives a frozen copy", () => {
    const given = [2, 0, 3];
    const shape = checkShape("here", given);
    given[0] = 9;
    expect(shape).toEqual([2, 0, 3]);
    expect(Object.isFrozen(shape)).toBe(true);
  });

  it("takes 2^31 - 1 elements and refuses one more", () => {
    expect(checkShape("here", [2 ** 31 - 1])).toEqual([2147483647]);
    expect(thrown(() => checkShape("here", [65536, 32768]))).toBe(
      "ERR_BN_SHAPE: here: shape 65536x32768 holds more than 2^31 - 1 elements; split the batch",
    );
    expect(thrown(() => checkShape("here", [2 ** 40, 2 ** 40, 2 ** 40]))).toContain("more than 2^31 - 1");
  });

  it("lets a zero end the count, as Caffe does, but not hide an overflow before it", () => {
    expect(countOf(checkShape("here", [0, 65536, 65536]))).toBe(0);
    expect(thrown(() => checkShape("here", [65536, 65536, 0]))).toContain("more than 2^31 - 1");
  });

  it.each([
    [[2, -1], "axis 1 is -1 (shape 2x-1), expected a whole number >= 0"],
    [[1.5], "axis 0 is 1.5 (shape 1.5), expected a whole number >= 0"],
    [[Number.NaN], "axis 0 is NaN (shape NaN), expected a whole number >= 0"],
    [Array(33).fill(1), "shape has 33 axes, expected at most 32"],
  ])("refuses %j", (shape, message) => {
    expect(thrown(() => checkShape("here", shape))).toBe(`ERR_BN_SHAPE: here: ${message}`);
  });
});

describe("axes (B-2)", () => {
  it("counts negative axes from the end", () => {
    expect([-3, -1, 0, 2].map((axis) => canonicalAxis("here", [4, 5, 6], axis))).toEqual([0, 2, 0, 2]);
  });

  it.each([3, -4, 0.5, Number.NaN])("refuses axis %d of three", (axis) => {
    expect(thrown(() => canonicalAxis("here", [4, 5, 6], axis))).toBe(
      `ERR_BN_SHAPE: here: axis is ${axis}, expected a whole number from -3 to 2 for shape 4x5x6`,
    );
  });

  it("multiplies over a range, 1 where it is empty", () => {
    expect([countOf([4, 5, 6]), countOf([4, 5, 6], 1), countOf([4, 5, 6], 1, 1), countOf([])]).toEqual([120, 30, 1, 1]);
  });

  it("sees a tensor as [outer][channels][inner]", () => {
    expect(geometryOf([2, 3, 4, 5], 1, 2)).toEqual({ outer: 2, channels: 3, inner: 20 });
    expect(geometryOf([2, 3, 4, 5], 3, 4)).toEqual({ outer: 24, channels: 5, inner: 1 });
    expect(geometryOf([2, 3], 0, 0)).toEqual({ outer: 1, channels: 1, inner: 6 });
  });
});

it("compares and prints shapes", () => {
  expect([sameShape([2, 3], [2, 3]), sameShape([2, 3], [2]), sameShape([2, 3], [3, 2])]).toEqual([true, false, false]);
  expect([shapeText([2, 3]), shapeText([])]).toEqual(["2x3", "()"]);
});
