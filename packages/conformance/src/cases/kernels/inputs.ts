import type { Affine, DeviceBuffer, Dtype, Geometry, HostArray, Moments } from "@bn/core";
import type { Comparison, Needs } from "../../case.ts";
import type { Precision } from "../../truth/bounds.ts";
import { channelsOf, type GammaBeta, type Stats } from "../../truth/oracle.ts";
import { type Distribution, factors, normals, OFFSET, sample } from "../data.ts";
import type { Operands } from "../operands.ts";

/** The operands of kernels, from the case's seed. The statistics are near those of x but not equal to them. */
export interface Inputs {
  readonly x: HostArray;
  readonly dy: HostArray;
  readonly mean: HostArray;
  readonly variance: HostArray;
  readonly gamma: HostArray;
  readonly beta: HostArray;
}

export function inputsFor(seed: string, g: Geometry, dtype: Dtype, from: Distribution = OFFSET): Inputs {
  const { channels } = g;
  const x = sample(`${seed}|x`, from, g, dtype);
  return {
    x,
    dy: normals(`${seed}|dy`, x.length, dtype),
    mean: sample(`${seed}|mean`, from, { outer: 1, channels, inner: 1 }, dtype),
    variance: factors(`${seed}|variance`, channels, dtype, true),
    gamma: factors(`${seed}|gamma`, channels, dtype),
    beta: normals(`${seed}|beta`, channels, dtype),
  };
}

export function statsOf({ mean, variance }: Inputs): Stats {
  return { mean: channelsOf(mean), variance: channelsOf(variance) };
}

/** The three ways to call a kernel with an affine map. */
export type AffineMode = "plain" | "gamma" | "gamma-beta";
const AFFINE_MODES: readonly AffineMode[] = ["plain", "gamma", "gamma-beta"];

export function affineOf({ gamma, beta }: Inputs, mode: AffineMode): GammaBeta | null {
  if (mode === "plain") return null;
  return { gamma: channelsOf(gamma), beta: mode === "gamma-beta" ? channelsOf(beta) : null };
}

export function affineBuffers(o: Operands, { gamma, beta }: Inputs, mode: AffineMode): Affine<DeviceBuffer> | null {
  if (mode === "plain") return null;
  return { gamma: o.input(gamma), beta: mode === "gamma-beta" ? o.input(beta) : null };
}

/** All modes, or only the most complete one if the geometry is large. */
export function modesOf({ outer, channels, inner }: Geometry): readonly AffineMode[] {
  return outer * channels * inner > 100_000 ? ["gamma-beta"] : AFFINE_MODES;
}

export const EPS = Math.fround(1e-3);

/** Runs one kernel on one geometry: calls it, reads its outputs and compares them. */
export type Run = (o: Operands, g: Geometry, inputs: Inputs, p: Precision, seed: string) => Promise<Comparison[]>;

export interface Kernel {
  readonly name: string;
  readonly clause: string;
  readonly needs?: Needs;
  readonly run: Run;
}

export function statBuffers(o: Operands, { mean, variance }: Inputs): Moments<DeviceBuffer> {
  return { mean: o.input(mean), variance: o.input(variance) };
}
