import { oracle } from "@bn/conformance";
import type { Geometry, HostArray } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { expect, test } from "vitest";
import { compareNode, mergeComparisons, type NodeComparison } from "../src/verify/compare-node.ts";
import { exactly } from "../src/verify/exact.ts";
import { gather, type Plan, partsOf, placeIn, problemIn } from "../src/verify/parts.ts";
import { countOf, statisticsOf } from "../src/verify/problem.ts";
import { runProblem } from "../src/verify/run-problem.ts";

const ramp = (length: number, from = 0) => Float32Array.from({ length }, (_, i) => from + Math.sin(i * 1.7));
const sizeOf = ({ outer, channels, inner }: Geometry) => countOf([outer, channels, inner]);

const BASE = { dtype: "float32", narrow: null, eps: 1e-3, stashed: "float32", sums: "deviations" } as const;
const given = (channels: number) => ({ mean: ramp(channels), variance: ramp(channels, 2) });
const affine = (channels: number) => ({ gamma: ramp(channels, 1), beta: ramp(channels) });

/** Problems of every form, and how many parts of at most 24 values they have. */
const PLANS: Readonly<Record<string, readonly [plan: Plan, parts: number]>> = {
  "what fits is one": [
    { ...BASE, g: { outer: 2, channels: 3, inner: 4 }, stats: given(3), affine: affine(3), after: null },
    1,
  ],
  "given statistics, between instances": [
    { ...BASE, g: { outer: 5, channels: 3, inner: 4 }, stats: given(3), affine: affine(3), after: null },
    3,
  ],
  "given statistics, between channels": [
    { ...BASE, g: { outer: 2, channels: 7, inner: 10 }, stats: given(7), affine: affine(7), after: null },
    8,
  ],
  "given statistics, within a channel": [
    { ...BASE, g: { outer: 1, channels: 2, inner: 50 }, stats: given(2), affine: affine(2), after: null },
    6,
  ],
  "the batch's statistics, between channels": [
    { ...BASE, g: { outer: 3, channels: 7, inner: 4 }, stats: null, affine: affine(7), after: null },
    4,
  ],
  "a channel beyond the limit is one": [
    { ...BASE, g: { outer: 5, channels: 2, inner: 9 }, stats: null, affine: affine(2), after: null },
    2,
  ],
  "rows, gamma and beta within them": [
    {
      ...{ ...BASE, g: { outer: 1, channels: 9, inner: 8 }, stats: null, affine: null },
      after: { g: { outer: 9, channels: 8, inner: 1 }, ...affine(8) },
    },
    3,
  ],
  "groups, gamma per channel": [
    {
      ...{ ...BASE, g: { outer: 1, channels: 6, inner: 12 }, stats: null, affine: null },
      after: { g: { outer: 2, channels: 12, inner: 3 }, gamma: ramp(12, 1), beta: null },
    },
    3,
  ],
};

test.each(Object.entries(PLANS))("%s: its parts give what the whole gives", async (_, [plan, count]) => {
  await using cpu = await createCpu();
  const x = ramp(sizeOf(plan.g), 0.5);
  const read = async (start: number, length: number): Promise<HostArray> => x.subarray(start, start + length);
  const whole = { ...plan, x };
  const top = await runProblem(cpu, whole, null);
  const theirs = top.map((value, i) => (i === 41 ? value + 1e-6 : value)); // one value is off a little more than others
  const expected = compareNode(whole, statisticsOf(whole), [{ backend: cpu, values: top }], theirs);
  const seen = new Uint8Array(x.length);
  let merged: NodeComparison | null = null;
  const parts = [...partsOf(plan, 24)];
  for (const part of parts) {
    const problem = problemIn(plan, part, await gather(part, read));
    const values = await runProblem(cpu, problem, null);
    const places = Array.from(values, (_, i) => placeIn(part, i));
    for (const place of places) seen[place] = (seen[place] ?? 0) + 1;
    expect(Array.from(values)).toEqual(places.map((place) => top[place]));
    const own = theirs.filter((_, i) => places.includes(i));
    merged = mergeComparisons(
      merged,
      part,
      compareNode(problem, statisticsOf(problem), [{ backend: cpu, values }], own),
      plan.g,
    );
  }
  expect(parts).toHaveLength(count);
  expect(seen.every((times) => times === 1)).toBe(true);
  expect(merged).toEqual(expected);
});

test("float32 is exact enough without double-double", () => {
  const g = { outer: 2, channels: 5, inner: 64 };
  const x = ramp(sizeOf(g), 1e4);
  const stats = { mean: oracle.channelsOf(ramp(5, 1e4)), variance: oracle.channelsOf(ramp(5, 1.5)) };
  const factors = { gamma: oracle.channelsOf(ramp(5, 1)), beta: oracle.channelsOf(ramp(5, -3)) };
  const truth = oracle.normalize(x, g, stats, 1e-5, factors);
  const found = exactly("float32", x, g, stats, 1e-5, factors);
  const beta = oracle.valuesOf(factors.beta);
  oracle.each(g, (i, c) => {
    const [value, shift] = [truth[i] as number, beta[c] as number];
    const allowed = 5 * 2 ** -53 * Math.abs(value - shift) + 2 ** -52 * Math.abs(value);
    expect(Math.abs((found[i] as number) - value)).toBeLessThanOrEqual(allowed);
  });
});
