import type { Backend, Dtype, HostArray } from "@bn/core";
import type { Case, Comparison, Needs } from "../case.ts";
import { compare } from "../truth/compare.ts";
import { caffe, ours } from "./arithmetic.ts";
import { dataCase } from "./data.ts";
import { drive } from "./drive.ts";
import { type Right, rightValues } from "./exceptions.ts";
import { inputsOf, type Output, outputsOf } from "./outputs.ts";
import { replay } from "./replay.ts";
import { saturate, type Tracked } from "./tracked.ts";
import type { GoldenCase, GoldenSet, GoldenTensor } from "./types.ts";

/** The clause that a category stands for; others stand for G-1. */
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
 * The cases of a set of golden data: for each of them a replay on a backend (id `goldens/<name>`), and a check of the
 * data itself (id `goldens/<name>#data`). Where `shipped` is of the same set and seed, that compares every bit.
 *
 * A replay compares every tensor of every step. float64: with Caffe's (G-3). float32: with the float64 twin, or the
 * oracle where there is none, and with Caffe's own float32 (G-4).
 */
export function goldenCases(set: GoldenSet, shipped: GoldenSet | null = null): Case[] {
  const byName = new Map(set.cases.map((one) => [one.name, memo(one)]));
  const same = shipped !== null && shipped.set === set.set && shipped.seed === set.seed;
  const originals = same ? new Map(shipped.cases.map((one) => [one.name, one])) : null;
  return [...byName.values()].flatMap((golden) => {
    const { name, category } = golden.one;
    const twin = byName.get(name.replace(/f32$/, "f64"));
    const replayed: Case = {
      id: `goldens/${name}`,
      group: "goldens",
      clause: Object.hasOwn(CLAUSES, category) ? (CLAUSES[category] as string) : "G-1",
      needs: needsOf(golden.one),
      run: ({ backend }) => compareAll(backend, golden, twin && sameProblem(golden.one, twin.one) ? twin : null),
    };
    return [replayed, dataCase(golden.one, originals)];
  });
}

/** A case with what does not depend on the backend, computed once and when it is wanted. */
interface Golden {
  readonly one: GoldenCase;
  readonly outputs: readonly Output[];
  /** Caffe's possible error, with the truth. */
  readonly caffe: readonly Tracked[];
  readonly right: readonly Right[];
}

function memo(one: GoldenCase): Golden {
  let [outputs, caffes, right]: [Output[]?, Tracked[]?, Right[]?] = [];
  return {
    one,
    get outputs() {
      outputs ??= outputsOf(one);
      return outputs;
    },
    get caffe() {
      caffes ??= replay(one, caffe(one.dtype));
      return caffes;
    },
    get right() {
      right ??= rightValues(one, this.outputs, this.caffe);
      return right;
    },
  };
}

async function compareAll(backend: Backend, golden: Golden, twin: Golden | null): Promise<Comparison[]> {
  const { one, outputs } = golden;
  const driven = await drive(backend, one);
  const allowed = replay(one, ours(one.dtype, backend.supports));
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
    const right = golden.right[i] as Right;
    const bound = total(allowed[i] as Tracked, golden.caffe[i] as Tracked);
    if (one.dtype === "float64") {
      comparisons.push(against(output, "", got, right, bound));
      continue;
    }
    comparisons.push(against(output, " against Caffe's float32", got, right, bound));
    const truth = twin ? (twin.right[i] as Right) : { values: (allowed[i] as Tracked).value };
    const rounded = fitTo(one.dtype, truth);
    const own = twin ? total(allowed[i] as Tracked, twin.caffe[i] as Tracked) : (allowed[i] as Tracked).error;
    const least = own.map((b, k) => larger(b, Math.abs((right.values[k] as number) - (rounded.values[k] as number))));
    comparisons.push(against(output, twin ? " against the float64 twin" : " against float64", got, rounded, least));
  }
  return comparisons;
}

function against(output: Output, suffix: string, got: HostArray, right: Right, bound: Float64Array): Comparison {
  const { values, accepted, note } = right;
  const expected = accepted
    ? Array.from(values, (v, i) => (Number.isNaN(got[i]) ? v : (accepted[i] as number)))
    : values;
  return compare(`${output.what}${suffix}`, got, expected, bound, output.geometry, note);
}

function total({ error }: Tracked, other: Tracked): Float64Array {
  return error.map((own, i) => own + (other.error[i] as number));
}

/** The larger of the two, where `error` is a number at all. */
function larger(bound: number, error: number): number {
  return error > bound && error < Number.POSITIVE_INFINITY ? error : bound;
}

function fitTo(dtype: Dtype, right: Right): Right {
  const clip = (values: ArrayLike<number>) => Float64Array.from(values, (v) => saturate(dtype, v));
  return { ...right, values: clip(right.values), ...(right.accepted ? { accepted: clip(right.accepted) } : {}) };
}

/** Whether two cases of different dtype were given the same numbers, step by step. */
function sameProblem(a: GoldenCase, b: GoldenCase): boolean {
  if (a.dtype === b.dtype || a.layers.length !== b.layers.length || a.steps.length !== b.steps.length) return false;
  if (a.steps.some(({ op }, i) => op !== b.steps[i]?.op)) return false;
  const [ours, others] = [inputsOf(a), inputsOf(b)];
  return ours.length === others.length && ours.every(({ tensor }, i) => equal(tensor, others[i]?.tensor));
}

function equal(a: GoldenTensor, b: GoldenTensor | undefined): boolean {
  if (!b || a.shape.length !== b.shape.length || a.shape.some((dim, i) => dim !== b.shape[i])) return false;
  return a.data.every((value, i) => Object.is(value, b.data[i]));
}

/** What the numbers of a case, not its name, ask of a backend. */
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
