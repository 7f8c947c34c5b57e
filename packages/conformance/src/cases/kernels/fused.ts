import type { Comparison } from "../../case.ts";
import { addBound } from "../../truth/bounds.ts";
import { dd } from "../../truth/dd.ts";
import * as oracle from "../../truth/oracle.ts";
import {
  averaged,
  backwardTruth,
  batchStats,
  check,
  forwardTruth,
  perChannel,
  runningTruth,
  type StatsTruth,
  truth,
  truthOf,
} from "../../truth/truth.ts";
import { factors, normals } from "../data.ts";
import { affineBuffers, affineOf, EPS, type Kernel, modesOf, type Run, statBuffers, statsOf } from "./inputs.ts";

/**
 * Runs each mode with and without an average, out of place and in place. Stats, running and y must be those of the
 * single kernels.
 */
const forward: Run = async (o, g, inputs, p, seed) => {
  const { x } = inputs;
  const { channels } = g;
  const row = perChannel(channels);
  const stats = batchStats(p, x, g);
  const done: Comparison[] = [];
  for (const mode of modesOf(g)) {
    const affine = affineOf(inputs, mode);
    const y = forwardTruth(p, { x, g, eps: EPS, affine }, stats);
    for (const inPlace of [false, true]) {
      const before = {
        mean: normals(`${seed}|mean sum`, channels, p.dtype),
        variance: factors(`${seed}|variance sum`, channels, p.dtype, true),
        factor: factors(`${seed}|factor`, 1, p.dtype, true),
      };
      const running = {
        mean: o.output(channels, before.mean),
        variance: o.output(channels, before.variance),
        factor: o.output(1, before.factor),
      };
      const source = o.input(x);
      const target = inPlace ? source : o.output(x.length);
      const out = { mean: o.output(channels), variance: o.output(channels) };
      // Only one of the two calls gets an average. The other must not change the running sums, which it did not get.
      const correction = oracle.correctionOf(g);
      const average = inPlace ? null : { running, fraction: Math.fround(0.9), correction: correction.hi };
      o.backend.kernels.forward?.(source, g, out, average, EPS, affineBuffers(o, inputs, mode), target);
      const start = runningTruth({
        mean: oracle.channelsOf(before.mean),
        variance: oracle.channelsOf(before.variance),
        factor: dd(before.factor[0] as number),
      });
      const after = average ? averaged(p, start, stats, average.fraction, correction) : start;
      const what = `${mode}${inPlace ? " in place, no average" : ""}`;
      const [sums, off] = [after.running, after.errors];
      done.push(
        check(`y ${what}`, await o.read("y", target), y, g),
        check(`mean ${what}`, await o.read("mean", out.mean), truthOf(p, stats.stats.mean, stats.errors.mean), row),
        check(
          `variance ${what}`,
          await o.read("variance", out.variance),
          truthOf(p, stats.stats.variance, stats.errors.variance),
          row,
        ),
        check(`running.mean ${what}`, await o.read("running", running.mean), truthOf(p, sums.mean, off.mean), row),
        check(
          `running.variance ${what}`,
          await o.read("running", running.variance),
          truthOf(p, sums.variance, off.variance),
          row,
        ),
        check(
          `running.factor ${what}`,
          await o.read("running", running.factor),
          truthOf(p, [sums.factor], off.factor),
          perChannel(1),
        ),
      );
    }
  }
  return done;
};

/** Runs each mode out of place and in place. Sums and dx are overwritten, and grad is added into. */
const backward: Run = async (o, g, inputs, p, seed) => {
  const { x, dy } = inputs;
  const { channels } = g;
  const row = perChannel(channels);
  const none = new Float64Array(channels);
  const given: StatsTruth = { batch: true, stats: statsOf(inputs), errors: { mean: none, variance: none } };
  const done: Comparison[] = [];
  for (const mode of modesOf(g)) {
    const affine = affineOf(inputs, mode);
    const { dx, dGamma, dBeta } = backwardTruth(p, { x, g, eps: EPS, affine }, dy, given);
    const prior = normals(`${seed}|prior`, channels, p.dtype);
    const added = (sum: typeof dGamma) => {
      const total = sum.expected.map((value, c) => value + (prior[c] as number));
      const rounding = sum.expected.map((value, c) => addBound(p, value, prior[c] as number));
      return truth(
        p,
        total,
        rounding.map((r, c) => r + (sum.bound[c] as number)),
      );
    };
    for (const inPlace of [false, true]) {
      const source = o.input(dy);
      const target = inPlace ? source : o.output(dy.length);
      const out = { dy: o.output(channels), dyXhat: o.output(channels) };
      const [gamma, beta] = [o.output(channels, prior), o.output(channels, prior)];
      const grad = mode === "plain" ? null : { gamma, beta: mode === "gamma-beta" ? beta : null };
      const buffers = affineBuffers(o, inputs, mode);
      const [stats, m] = [statBuffers(o, inputs), g.outer * g.inner];
      o.backend.kernels.backward?.(source, o.input(x), g, stats, EPS, buffers, out, grad, m, target);
      const what = `${mode}${inPlace ? " in place" : ""}`;
      const kept = { expected: Float64Array.from(prior), bound: none };
      done.push(
        check(`dx ${what}`, await o.read("dx", target), dx, g),
        check(`sums.dy ${what}`, await o.read("sums.dy", out.dy), dBeta, row),
        check(`sums.dyXhat ${what}`, await o.read("sums.dyXhat", out.dyXhat), dGamma, row),
        check(`grad.gamma ${what}`, await o.read("grad.gamma", gamma), grad ? added(dGamma) : kept, row),
        check(`grad.beta ${what}`, await o.read("grad.beta", beta), grad?.beta ? added(dBeta) : kept, row),
      );
    }
  }
  return done;
};

export const FUSED: readonly Kernel[] = [
  { name: "forward", clause: "K-10", needs: { fused: true }, run: forward },
  { name: "backward", clause: "K-10", needs: { fused: true }, run: backward },
];
