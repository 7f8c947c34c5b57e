import { type ChannelSum, channelSum } from "./channel-sum.ts";
import { affineOf, EPS, type Implementation } from "./implementation.ts";
import { geometryOf, type Inputs, isKernel, type Job, type Kernel, kernelOf } from "./jobs.ts";

/** One value of an output and the size of the terms that it was made of. */
type Expected = ChannelSum;

/** What the result of a job is: that of a kernel. `batch`: with the statistics of x, not with the given ones. */
interface Judged {
  readonly kernel: Exclude<Kernel, `${string}+${string}`>;
  readonly batch: boolean;
}

/** A layer leaves what its kernels do, and two kernels in turn leave what the fused one does. */
function judgedAs(job: Job): Judged {
  const { op } = job;
  if (!isKernel(op)) {
    if (op.startsWith("backward")) return { kernel: "backward", batch: true };
    return op.startsWith("batch") ? { kernel: "forward", batch: true } : { kernel: "normalize", batch: false };
  }
  const kernel = kernelOf(job);
  if (kernel === "forward" || kernel === "moments+normalize") return { kernel: "forward", batch: true };
  return { kernel: kernel === "gradSums+gradNormalize" ? "backward" : kernel, batch: false };
}

/**
 * Where `got` is not what the job asks for, or null. Float64 with compensated sums is truth enough for a benchmark. A
 * kernel gets its statistics as given, a layer as the inputs have them.
 */
export function complaint(
  { name, tolerance }: Implementation,
  job: Job,
  inputs: Inputs,
  got: ArrayLike<number>,
): string | null {
  const { kernel, batch } = judgedAs(job);
  const g = geometryOf(job);
  const { outer, channels, inner } = g;
  const affine = isKernel(job.op) ? inputs : affineOf(job, inputs);
  const u = job.dtype === "float32" ? 2 ** -24 : 2 ** -53;
  const complain = (at: number, { value, size }: Expected): string | null => {
    const [error, allowed] = [Math.abs((got[at] as number) - value), tolerance * u * size];
    if (error <= allowed) return null;
    return `${name} ${job.op} [${job.shape}]: value ${at} is ${got[at]}, expected ${value}, error ${error}, allowed ${allowed}`;
  };
  for (let c = 0; c < channels; c++) {
    const sum = (term: (i: number) => number) => channelSum(g, c, term);
    const channel = channelOf({ ...inputs, ...affine }, c, sum, outer * inner, batch);
    if (kernel === "moments" || kernel === "gradSums") {
      const [first, second] = channel[kernel]();
      const wrong = complain(c, first) ?? complain(channels + c, second);
      if (wrong !== null) return wrong;
      continue;
    }
    const value = kernel === "forward" || kernel === "normalize" ? channel.y : channel.dx();
    for (let o = 0; o < outer; o++) {
      for (let i = (o * channels + c) * inner, end = i + inner; i < end; i++) {
        const wrong = complain(i, value(i));
        if (wrong !== null) return wrong;
      }
    }
  }
  return null;
}

/** The right results of channel c with `m` values, by the given statistics or by those of the batch. */
function channelOf(
  inputs: Inputs,
  c: number,
  sum: (term: (i: number) => number) => ChannelSum,
  m: number,
  batch: boolean,
) {
  const { x, dy } = inputs;
  const [gamma, beta] = [inputs.gamma[c] as number, inputs.beta[c] as number];
  const moments = (): readonly [Expected, Expected] => {
    const total = sum((i) => x[i] as number);
    const squares = sum((i) => ((x[i] as number) - total.value / m) ** 2);
    return [
      { value: total.value / m, size: total.size / m },
      { value: squares.value / m, size: squares.size / m },
    ];
  };
  const given = [{ value: inputs.mean[c] as number }, { value: inputs.variance[c] as number }] as const;
  const [{ value: mean }, { value: variance }] = batch ? moments() : given;
  const r = 1 / Math.sqrt(variance + EPS);
  const s = r * gamma;
  const gradSums = (): readonly [Expected, Expected] => [
    sum((i) => dy[i] as number),
    sum((i) => (dy[i] as number) * ((x[i] as number) - mean) * r),
  ];
  const y = (i: number): Expected => {
    const size = Math.abs(s) * (Math.abs(x[i] as number) + Math.abs(mean) + 1) + Math.abs(beta);
    return { value: ((x[i] as number) - mean) * s + beta, size };
  };
  const dx = () => {
    const [sumDy, sumDyXhat] = gradSums();
    const through = Math.min(1, sumDyXhat.size / m);
    return (i: number): Expected => {
      const xhat = ((x[i] as number) - mean) * r;
      const value = s * ((dy[i] as number) - sumDy.value / m - (xhat * sumDyXhat.value) / m);
      return { value, size: Math.abs(s) * (Math.abs(dy[i] as number) + 1 + Math.abs(xhat) * through) };
    };
  };
  return { moments, gradSums, y, dx };
}
