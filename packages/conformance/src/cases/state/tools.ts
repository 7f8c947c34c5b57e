import type { Blob, Dtype, HostArray } from "@bn/core";
import type { Comparison, Needs } from "../../case.ts";
import type { Precision } from "../../truth/bounds.ts";
import { check, perChannel, type RunningTruth, type Truth, truthOf } from "../../truth/truth.ts";
import { geometryOf, type Scope } from "../layer-kit.ts";

/** The tools for a run of the table below. */
interface Tools extends Scope {
  readonly dtype: Dtype;
  readonly p: Precision;
  readonly seed: string;
  /** Data with a mean that is not 0. Each tag gives different data. */
  x(tag: string, shape: readonly number[]): HostArray;
  dy(tag: string, shape: readonly number[]): HostArray;
}
export type Run = (t: Tools) => Promise<Comparison[]>;

export const SHAPE = [4, 3, 5, 5];
export const G = geometryOf(SHAPE);
export const ROW = perChannel(3);
const EPS = Math.fround(1e-5);
export const FRACTION = Math.fround(0.999);

export function exactly(values: ArrayLike<number>): Truth {
  return { expected: Float64Array.from(values), bound: new Float64Array(values.length) };
}

export const plain = (x: HostArray, shape: readonly number[] = SHAPE, eps = EPS) => ({
  x,
  g: geometryOf(shape),
  eps,
  affine: null,
});

export async function checkRunning(
  what: string,
  blobs: readonly Blob[],
  { running, errors }: RunningTruth,
  p: Precision,
) {
  const values = [running.mean, running.variance, [running.factor]] as const;
  const bounds = [errors.mean, errors.variance, errors.factor] as const;
  return Promise.all(
    ([0, 1, 2] as const).map(async (i) => {
      const got = (await blobs[i]?.read()) ?? [];
      return check(`blobs[${i}] ${what}`, got, truthOf(p, values[i], bounds[i]), perChannel(got.length));
    }),
  );
}

export interface StateRow {
  readonly name: string;
  readonly clause: string;
  readonly needs?: Needs;
  readonly run: Run;
}
