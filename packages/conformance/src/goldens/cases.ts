import type { Backend, HostArray } from "@bn/core";
import type { Case, Comparison, Needs } from "../case.ts";
import { precisionOf } from "../truth/bounds.ts";
import { compare } from "../truth/compare.ts";
import { oracleError, type Truth } from "../truth/truth.ts";
import { dataCase } from "./data.ts";
import { drive } from "./drive.ts";
import { type Right, rightValues } from "./exceptions.ts";
import { type Golden, goldenOf } from "./golden.ts";
import { inputsOf, type Output, outputsOf } from "./outputs.ts";
import { replay } from "./replay.ts";
import type { GoldenCase, GoldenSet } from "./types.ts";

/** The clause that a category tests. Other categories test G-1. */
const CLAUSES: Readonly<Record<string, string>> = {
  bn_shapes: "BN-5",
  bn_numeric: "N-4",
  bn_moving_average: "BN-7",
  bn_test_phase: "BN-6",
  bn_global_backward: "BN-11",
  bn_in_place: "L-4",
  bn_reshape: "L-2",
  bn_backward_repeat: "L-5",
  bn_nonfinite: "BN-12",
  bn_scale_composite: "BN-10",
  f64_full_precision: "G-3",
  scale: "S-1",
  scale_accumulate: "S-7",
  scale_in_place: "L-4",
  scale_reshape: "L-2",
};

/**
 * The cases of a set of golden data. Each golden gives a replay on a backend (id `goldens/<name>`) and a check of the
 * data itself (id `goldens/<name>#data`). If `shipped` is of the same set and seed, the check compares every bit with
 * it.
 *
 * A replay gives each layer the input that Caffe's layer had at that step. It compares every resulting tensor twice:
 * with the oracle (G-3), and with Caffe's own value (G-4).
 */
export function goldenCases(set: GoldenSet, shipped: GoldenSet | null = null): Case[] {
  const same = shipped !== null && shipped.set === set.set && shipped.seed === set.seed;
  const originals = same ? new Map(shipped.cases.map((one) => [one.name, one])) : null;
  return set.cases.map(goldenOf).flatMap((golden) => {
    const { name, category } = golden.one;
    const replayed: Case = {
      id: `goldens/${name}`,
      group: "goldens",
      clause: Object.hasOwn(CLAUSES, category) ? (CLAUSES[category] as string) : "G-1",
      needs: needsOf(golden.one),
      run: ({ backend }) => compareAll(backend, golden),
    };
    return [replayed, dataCase(golden, originals)];
  });
}

async function compareAll(backend: Backend, { one, outputs, caffe }: Golden): Promise<Comparison[]> {
  const driven = await drive(backend, one);
  const allowed = replay(one, outputs, precisionOf(one.dtype, backend.supports));
  const comparisons = one.layers.flatMap(({ defaultBlobs, initialBlobs }, layer) =>
    defaultBlobs
      ? initialBlobs.map(({ data }, i) => {
          const what = `layer ${layer} initial blobs[${i}]`;
          const got = driven.initialBlobs[layer]?.[i] as HostArray;
          return compare(what, got, data, 0, { outer: 1, channels: data.length, inner: 1 });
        })
      : [],
  );
  for (const [i, output] of outputs.entries()) {
    const got = driven.outputs[i] as HostArray;
    const [mine, caffes] = [allowed[i], caffe[i]] as [Truth, Truth];
    const right = rightValues(one, output, caffes);
    // The two are compared directly, so the oracle's own error, which both bounds include, is left out.
    const both = mine.expected.map((value, k) =>
      Math.max(0, (mine.bound[k] as number) + (caffes.bound[k] as number) - 2 * oracleError(value)),
    );
    comparisons.push(against(output, "the oracle", got, { ...right, values: mine.expected }, mine.bound));
    comparisons.push(against(output, "Caffe", got, right, both));
  }
  return comparisons;
}

/** If NaN is right and another value is accepted too, the value that came decides which of the two is expected. */
function against(output: Output, whom: string, got: HostArray, right: Right, bound: Truth["bound"]): Comparison {
  const { values, accepted, note } = right;
  const isAccepted = (v: number, i: number) => accepted && Number.isNaN(v) && !Number.isNaN(got[i]);
  const expected = Float64Array.from(values, (v, i) => (isAccepted(v, i) ? (accepted?.[i] as number) : v));
  return compare(`${output.what} against ${whom}`, got, expected, bound, output.geometry, note);
}

/** The facts that a backend needs because of the numbers of a case, whatever its name. */
function needsOf(one: GoldenCase): Needs {
  const smallest = one.dtype === "float32" ? 2 ** -126 : 2 ** -1022;
  const tensors = [...inputsOf(one), ...outputsOf(one)].map(({ tensor }) => tensor.data);
  const any = (test: (value: number) => boolean) => tensors.some((data) => data.some(test));
  return {
    dtype: one.dtype,
    ...(any((v) => !Number.isFinite(v)) ? { nonFinite: true as const } : {}),
    ...(any((v) => v !== 0 && Math.abs(v) < smallest) ? { subnormals: true as const } : {}),
  };
}
