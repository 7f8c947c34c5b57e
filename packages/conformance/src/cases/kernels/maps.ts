import type { Comparison } from "../../case.ts";
import { gradNormalizeBound, normalizeBound, scaleBound } from "../../truth/bounds.ts";
import * as oracle from "../../truth/oracle.ts";
import { check, type Truth, truth } from "../../truth/truth.ts";
import { normals } from "../data.ts";
import { affineBuffers, affineOf, EPS, type Kernel, modesOf, type Run, statBuffers, statsOf } from "./inputs.ts";

/** Runs each mode out of place and in place, where y is x. */
const normalize: Run = async (o, g, inputs, p) => {
  const stats = statsOf(inputs);
  const done: Comparison[] = [];
  for (const mode of modesOf(g)) {
    const affine = affineOf(inputs, mode);
    const expected = truth(
      p,
      oracle.normalize(inputs.x, g, stats, EPS, affine),
      normalizeBound(p, inputs.x, g, stats, EPS, affine, null),
    );
    for (const inPlace of [false, true]) {
      const x = o.input(inputs.x);
      const y = inPlace ? x : o.output(inputs.x.length);
      o.backend.kernels.normalize(x, g, statBuffers(o, inputs), EPS, affineBuffers(o, inputs, mode), y);
      const what = `y ${mode}${inPlace ? " in place" : ""}`;
      done.push(check(what, await o.read(what, y), expected, g));
    }
  }
  return done;
};

/**
 * The divisors of the sums: one process, and so many processes that the count exceeds 32 bits. Null means without sums.
 */
const DIVISORS: readonly ((own: number) => number | null)[] = [(own) => own, (own) => own + 2 ** 33 + 1, () => null];

/** Runs with given sums and without, with dx separate from dy, and with dx equal to dy. */
const gradNormalize: Run = async (o, g, inputs, p, seed) => {
  const { dy, x } = inputs;
  const stats = statsOf(inputs);
  const done: Comparison[] = [];
  for (const divisor of DIVISORS) {
    const m = divisor(g.outer * g.inner);
    const given = m && {
      dy: normals(`${seed}|sums.dy`, g.channels, p.dtype).map((v) => v * m),
      dyXhat: normals(`${seed}|sums.dyXhat`, g.channels, p.dtype).map((v) => v * m),
    };
    for (const mode of modesOf(g)) {
      const gamma = affineOf(inputs, mode)?.gamma ?? null;
      const sums = given && { dy: oracle.channelsOf(given.dy), dyXhat: oracle.channelsOf(given.dyXhat) };
      const divide = m ?? 1;
      const expected = truth(
        p,
        oracle.gradNormalize(dy, x, g, stats, EPS, gamma, sums || null, divide),
        gradNormalizeBound(p, dy, x, g, stats, EPS, gamma, sums || null, null, null, divide),
      );
      for (const inPlace of [false, true]) {
        const from = o.input(dy);
        const dx = inPlace ? from : o.output(dy.length);
        const buffers = given ? { dy: o.input(given.dy), dyXhat: o.input(given.dyXhat) } : null;
        const affine = affineBuffers(o, inputs, mode);
        o.backend.kernels.gradNormalize(from, o.input(x), g, statBuffers(o, inputs), EPS, affine, buffers, divide, dx);
        const what = `dx ${m === null ? "without sums" : `m ${m}`} ${mode}${inPlace ? " in place" : ""}`;
        done.push(check(what, await o.read(what, dx), expected, g));
      }
    }
  }
  return done;
};

const scale: Run = async (o, g, inputs, p) => {
  const done: Comparison[] = [];
  for (const mode of ["gamma", "gamma-beta"] as const) {
    const affine = affineOf(inputs, mode) as oracle.GammaBeta;
    const expected = truth(p, oracle.scale(inputs.x, g, affine), scaleBound(p, inputs.x, g, affine));
    for (const inPlace of [false, true]) {
      const x = o.input(inputs.x);
      const y = inPlace ? x : o.output(inputs.x.length);
      const buffers = affineBuffers(o, inputs, mode);
      if (buffers) o.backend.kernels.scale(x, g, buffers, y);
      const what = `y ${mode}${inPlace ? " in place" : ""}`;
      done.push(check(what, await o.read(what, y), expected, g));
    }
  }
  return done;
};

/** copy and fill must be exact (K-9). */
const copyAndFill: Run = async (o, g, { x }) => {
  const y = o.output(x.length);
  o.backend.kernels.copy(x.length, o.input(x), y);
  const filled = o.output(x.length);
  o.backend.kernels.fill(x.length, -2.5, filled);
  const zeros = o.output(x.length);
  o.backend.kernels.fill(x.length, 0, zeros);
  const exact = (expected: Float64Array): Truth => ({ expected, bound: new Float64Array(x.length) });
  return [
    check("copy", await o.read("copy", y), exact(Float64Array.from(x)), g),
    check("fill", await o.read("fill", filled), exact(new Float64Array(x.length).fill(-2.5)), g),
    check("fill with 0", await o.read("fill", zeros), exact(new Float64Array(x.length)), g),
  ];
};

export const MAPS: readonly Kernel[] = [
  { name: "normalize", clause: "K-2", run: normalize },
  { name: "gradNormalize", clause: "K-4", run: gradNormalize },
  { name: "scale", clause: "K-5", run: scale },
  { name: "copy-fill", clause: "K-9", run: copyAndFill },
];
