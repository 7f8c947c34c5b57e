import { oracle, random } from "@bn/conformance";
import type { Geometry } from "@bn/core";
import { digitsOf as rightDigits } from "../parts/digits.ts";

export const OPS = {
  stored: "stored statistics, with Scale",
  batch: "the batch's statistics, with Scale",
  backward: "backward, with gradients of gamma and beta",
} as const;
export type Op = keyof typeof OPS;

/** A job to time. Channels are on axis 1. */
export interface Job {
  readonly op: Op;
  readonly shape: readonly number[];
}

export interface Inputs {
  readonly x: Float32Array;
  readonly dy: Float32Array;
  readonly mean: Float32Array;
  readonly variance: Float32Array;
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
}

export const EPS = 1e-5;
/** 256 MiB of float32 per tensor. */
const MAX_ELEMENTS = 2 ** 26;

/** Parses `32x64x56x56` as a shape. Null if it is not a shape, or is too large for a page. */
export function parseShape(text: string): number[] | null {
  if (!/^\s*\d{1,8}(\s*[x,]\s*\d{1,8}){1,4}\s*$/.test(text)) return null;
  const shape = text.split(/[x,]/).map(Number);
  return shape.every((size) => size > 0) && countOf(shape) <= MAX_ELEMENTS ? shape : null;
}

export const countOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function geometryOf([outer = 1, channels = 1, ...rest]: readonly number[]): Geometry {
  return { outer, channels, inner: countOf(rest) };
}

export function inputsFor(shape: readonly number[]): Inputs {
  const { channels } = geometryOf(shape);
  const { uniform } = random("speed");
  const values = (count: number, from: number, to: number) =>
    Float32Array.from({ length: count }, () => from + (to - from) * uniform());
  const count = countOf(shape);
  return {
    x: values(count, -3, 5),
    dy: values(count, -1, 1),
    mean: values(channels, 0, 2),
    variance: values(channels, 1, 6),
    gamma: values(channels, 0.5, 2),
    beta: values(channels, -1, 1),
  };
}

/**
 * The number of right digits in the first and the last channel of a result: -log10 of the largest error over the
 * largest value. The truth is the suite's oracle on these two channels, so that checking costs less than timing.
 */
export function digitsOf({ op, shape }: Job, inputs: Inputs, got: Float32Array): number {
  const whole = geometryOf(shape);
  let least = 16;
  for (const c of new Set([0, whole.channels - 1])) {
    const g = { ...whole, channels: 1 };
    const pick = (values: Float32Array) => channelOf(values, whole, c);
    const one = (values: Float32Array) => oracle.channelsOf(values.slice(c, c + 1));
    const x = pick(inputs.x);
    const stats = op === "stored" ? { mean: one(inputs.mean), variance: one(inputs.variance) } : oracle.moments(x, g);
    const affine = { gamma: one(inputs.gamma), beta: one(inputs.beta) };
    const eps = Math.fround(EPS);
    const truth =
      op === "backward"
        ? oracle.gradNormalize(
            pick(inputs.dy),
            x,
            g,
            stats,
            eps,
            affine.gamma,
            oracle.gradSums(pick(inputs.dy), x, g, stats, eps),
            g.outer * g.inner,
          )
        : oracle.normalize(x, g, stats, eps, affine);
    least = Math.min(least, rightDigits(pick(got), truth));
  }
  return least;
}

function channelOf(values: Float32Array, { outer, channels, inner }: Geometry, c: number): Float32Array {
  const found = new Float32Array(outer * inner);
  for (let o = 0; o < outer; o++) {
    const from = (o * channels + c) * inner;
    found.set(values.subarray(from, from + inner), o * inner);
  }
  return found;
}
