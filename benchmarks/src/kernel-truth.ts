import { type ChannelSum, channelSum } from "./channel-sum.ts";
import { EPS, type Implementation } from "./implementation.ts";
import { geometryOf, type Inputs, type Job, type Kernel, kernelOf } from "./jobs.ts";

/** One value of an output and the size of the terms that it was made of. */
type Expected = ChannelSum;

type Judged = Exclude<Kernel, `${string}+${string}`>;

/** Sums of one channel. */
type Sum = (term: (i: number) => number) => ChannelSum;

/** Where a kernel's output is not what the job asks for, or null. Statistics are the ones given, as the kernel saw them. */
export function kernelComplaint(
  { name, tolerance }: Implementation,
  job: Job,
  inputs: Inputs,
  got: ArrayLike<number>,
): string | null {
  const kernel = judgedAs(kernelOf(job));
  const g = geometryOf(job);
  const { outer, channels, inner } = g;
  const u = job.dtype === "float32" ? 2 ** -24 : 2 ** -53;
  const complain = (at: number, { value, size }: Expected): string | null => {
    const error = Math.abs((got[at] as number) - value);
    if (error <= tolerance * u * size) return null;
    return `${name} ${kernel} [${job.shape}]: value ${at} is ${got[at]}, expected ${value}, error ${error}, allowed ${tolerance * u * size}`;
  };
  for (let c = 0; c < channels; c++) {
    const sum: Sum = (term) => channelSum(g, c, term);
    if (kernel === "moments" || kernel === "gradSums") {
      const [first, second] = reduced(kernel, inputs, c, sum, outer * inner);
      const wrong = complain(c, first) ?? complain(channels + c, second);
      if (wrong !== null) return wrong;
      continue;
    }
    const value = mapped(kernel, inputs, c, sum, outer * inner);
    for (let o = 0; o < outer; o++) {
      for (let i = (o * channels + c) * inner, end = i + inner; i < end; i++) {
        const wrong = complain(i, value(i));
        if (wrong !== null) return wrong;
      }
    }
  }
  return null;
}

/** Two kernels in turn leave what the fused one does. */
function judgedAs(kernel: Kernel): Judged {
  if (kernel === "moments+normalize") return "forward";
  return kernel === "gradSums+gradNormalize" ? "backward" : kernel;
}

function reduced(kernel: "moments" | "gradSums", inputs: Inputs, c: number, sum: Sum, m: number) {
  const { x, dy } = inputs;
  if (kernel === "gradSums") {
    const [mean, r] = [inputs.mean[c] as number, 1 / Math.sqrt((inputs.variance[c] as number) + EPS)];
    return [sum((i) => dy[i] as number), sum((i) => (dy[i] as number) * ((x[i] as number) - mean) * r)] as const;
  }
  const total = sum((i) => x[i] as number);
  const mean = total.value / m;
  const squares = sum((i) => ((x[i] as number) - mean) ** 2);
  return [
    { value: mean, size: total.size / m },
    { value: squares.value / m, size: squares.size / m },
  ] as const;
}

function mapped(
  kernel: Exclude<Judged, "moments" | "gradSums">,
  inputs: Inputs,
  c: number,
  sum: Sum,
  m: number,
): (i: number) => Expected {
  const { x, dy } = inputs;
  const [gamma, beta] = [inputs.gamma[c] as number, inputs.beta[c] as number];
  const own = kernel === "forward" ? reduced("moments", inputs, c, sum, m) : null;
  const mean = own ? own[0].value : (inputs.mean[c] as number);
  const r = 1 / Math.sqrt((own ? own[1].value : (inputs.variance[c] as number)) + EPS);
  if (kernel === "forward" || kernel === "normalize") {
    return (i) => {
      const t = ((x[i] as number) - mean) * r * gamma;
      return { value: t + beta, size: Math.abs(t) + Math.abs(r * gamma) * (Math.abs(mean) + 1) + Math.abs(beta) };
    };
  }
  const [sumDy, sumDyXhat] = reduced("gradSums", inputs, c, sum, m);
  const s = Math.abs(r * gamma);
  return (i) => {
    const xhat = ((x[i] as number) - mean) * r;
    const through = sumDy.value / m + (xhat * sumDyXhat.value) / m;
    const size = s * (Math.abs(dy[i] as number) + sumDy.size / m + Math.abs(xhat) * (sumDyXhat.size / m) + 1);
    return { value: r * gamma * ((dy[i] as number) - through), size };
  };
}
