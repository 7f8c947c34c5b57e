import { channelSum } from "./channel-sum.ts";
import { affineOf, EPS, type Implementation } from "./implementation.ts";
import { geometryOf, type Inputs, type Job } from "./jobs.ts";

/** Where `got` is not what the job asks for, or null. Float64 with compensated sums is truth enough for a benchmark. */
export function complaint(
  { name, tolerance }: Implementation,
  job: Job,
  inputs: Inputs,
  got: ArrayLike<number>,
): string | null {
  const g = geometryOf(job);
  const { x, dy } = inputs;
  const { gamma, beta } = affineOf(job, inputs);
  const u = job.dtype === "float32" ? 2 ** -24 : 2 ** -53;
  const m = g.outer * g.inner;
  const at = (o: number, c: number, k: number) => (o * g.channels + c) * g.inner + k;
  for (let c = 0; c < g.channels; c++) {
    const sum = (term: (i: number) => number): number => channelSum(g, c, term).value;
    const global = job.op.startsWith("global");
    const mean = global ? (inputs.mean[c] as number) : sum((i) => x[i] as number) / m;
    const variance = global ? (inputs.variance[c] as number) : sum((i) => ((x[i] as number) - mean) ** 2) / m;
    const s = (gamma[c] as number) / Math.sqrt(variance + EPS);
    const xhat = (i: number) => ((x[i] as number) - mean) / Math.sqrt(variance + EPS);
    const backward = job.op.startsWith("backward");
    const a = backward ? sum((i) => dy[i] as number) / m : 0;
    const b = backward ? sum((i) => (dy[i] as number) * xhat(i)) / m : 0;
    for (let o = 0; o < g.outer; o++) {
      for (let k = 0; k < g.inner; k++) {
        const i = at(o, c, k);
        const expected = backward
          ? s * ((dy[i] as number) - a - xhat(i) * b)
          : s * ((x[i] as number) - mean) + (beta[c] as number);
        const size = backward
          ? Math.abs(s) * (Math.abs(dy[i] as number) + 1 + Math.abs(xhat(i)))
          : Math.abs(s) * (Math.abs(x[i] as number) + Math.abs(mean) + 1) + Math.abs(beta[c] as number);
        const error = Math.abs((got[i] as number) - expected);
        if (!(error <= tolerance * u * size)) {
          return `${name} ${job.op} [${job.shape}]: at (${o}, ${c}, ${k}) got ${got[i]}, expected ${expected}, error ${error}, allowed ${tolerance * u * size}`;
        }
      }
    }
  }
  return null;
}
