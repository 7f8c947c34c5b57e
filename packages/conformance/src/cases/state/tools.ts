import type { Blob, HostArray } from "@bn/core";
import type { Comparison, Needs } from "../../case.ts";
import type { Precision } from "../../truth/bounds.ts";
import { check, perChannel, type RunningTruth, runningTruths, type Truth } from "../../truth/truth.ts";
import { geometryOf, type Tools } from "../layer-kit.ts";

/** The tools for a run of the tables, with data whose mean is not 0. Each tag gives different data. */
interface StateTools extends Tools {
  /** Default: `SHAPE`. */
  x(tag: string, shape?: readonly number[]): HostArray;
  dy(tag: string, shape?: readonly number[]): HostArray;
}
export type Run = (t: StateTools) => Promise<Comparison[]>;

export const SHAPE = [4, 3, 5, 5];
export const G = geometryOf(SHAPE);
export const ROW = perChannel(3);
const EPS = Math.fround(1e-5);
export const FRACTION = Math.fround(0.999);

export const countOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

export function exactly(values: ArrayLike<number>): Truth {
  return { expected: Float64Array.from(values), bound: new Float64Array(values.length) };
}

export const plain = (x: HostArray, shape: readonly number[] = SHAPE, eps = EPS) => ({
  x,
  g: geometryOf(shape),
  eps,
  affine: null,
});

/** Compares the first blobs, which are mean, variance and factor. */
export function checkRunning(what: string, blobs: readonly Blob[], truth: RunningTruth, p: Precision) {
  return Promise.all(
    runningTruths(p, truth).map(async (expected, i) => {
      const got = (await blobs[i]?.read()) ?? [];
      return check(`blobs[${i}] ${what}`, got, expected, perChannel(got.length));
    }),
  );
}

export interface StateRow {
  readonly name: string;
  readonly clause: string;
  readonly needs?: Needs;
  readonly run: Run;
}
