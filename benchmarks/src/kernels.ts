import type { Backend, DeviceBuffer, Geometry } from "@bn/core";
import type { GpuClock } from "./gpu-clock.ts";
import { EPS, type Implementation, type Prepared, timed } from "./implementation.ts";
import { geometryOf, type Inputs, inputsOf, type Job, type Kernel, kernelOf } from "./jobs.ts";
import { complaint } from "./truth.ts";

/** The operands of every kernel on one backend. */
interface Operands {
  readonly g: Geometry;
  readonly x: DeviceBuffer;
  readonly dy: DeviceBuffer;
  readonly y: DeviceBuffer;
  readonly stats: { readonly mean: DeviceBuffer; readonly variance: DeviceBuffer };
  readonly affine: { readonly gamma: DeviceBuffer; readonly beta: DeviceBuffer };
  readonly sums: { readonly dy: DeviceBuffer; readonly dyXhat: DeviceBuffer };
}

interface Call {
  run(kernels: Backend["kernels"], o: Operands): void;
  /** Its results, in order. */
  outputs(o: Operands): readonly DeviceBuffer[];
}

const yOf: Call["outputs"] = ({ y }) => [y];
const SINGLE: Readonly<Record<Exclude<Kernel, `${string}+${string}`>, Call>> = {
  moments: {
    run: (k, { x, g, stats }) => k.moments(x, g, stats),
    outputs: ({ stats }) => [stats.mean, stats.variance],
  },
  normalize: { run: (k, { x, g, stats, affine, y }) => k.normalize(x, g, stats, EPS, affine, y), outputs: yOf },
  forward: { run: (k, { x, g, stats, affine, y }) => k.forward?.(x, g, stats, null, EPS, affine, y), outputs: yOf },
  gradSums: {
    run: (k, { dy, x, g, stats, sums }) => k.gradSums(dy, x, g, stats, EPS, sums, null),
    outputs: ({ sums }) => [sums.dy, sums.dyXhat],
  },
  gradNormalize: {
    run: (k, { dy, x, g, stats, affine, sums, y }) =>
      k.gradNormalize(dy, x, g, stats, EPS, affine, sums, g.outer * g.inner, y),
    outputs: yOf,
  },
  backward: {
    run: (k, { dy, x, g, stats, affine, sums, y }) =>
      k.backward?.(dy, x, g, stats, EPS, affine, sums, null, g.outer * g.inner, y),
    outputs: yOf,
  },
};

const CALLS: Readonly<Record<Kernel, Call>> = {
  ...SINGLE,
  "moments+normalize": inTurn(SINGLE.moments, SINGLE.normalize),
  "gradSums+gradNormalize": inTurn(SINGLE.gradSums, SINGLE.gradNormalize),
};

function inTurn(one: Call, other: Call): Call {
  return {
    run(kernels, operands) {
      one.run(kernels, operands);
      other.run(kernels, operands);
    },
    outputs: other.outputs,
  };
}

/** One kernel of a backend, alone and on plain buffers; null if the backend lacks it. */
export function prepareKernel(
  backend: Backend,
  job: Job,
  inputs: Inputs,
  clock: GpuClock | null = null,
): Prepared | null {
  const kernel = kernelOf(job);
  const { kernels } = backend;
  if ((kernel === "forward" || kernel === "backward") && kernels[kernel] === undefined) return null;
  const g = geometryOf(job);
  const made: DeviceBuffer[] = [];
  const HostType = job.dtype === "float32" ? Float32Array : Float64Array;
  const buffer = (length: number, values?: ArrayLike<number>): DeviceBuffer => {
    const one = backend.alloc(job.dtype, length);
    made.push(one);
    if (values) backend.write(one, HostType.from(values));
    return one;
  };
  const [tensor, channels] = [inputs.x.length, g.channels];
  const o: Operands = {
    g,
    x: buffer(tensor, inputs.x),
    dy: buffer(tensor, inputs.dy),
    y: buffer(tensor),
    stats: { mean: buffer(channels, inputs.mean), variance: buffer(channels, inputs.variance) },
    affine: { gamma: buffer(channels, inputs.gamma), beta: buffer(channels, inputs.beta) },
    sums: { dy: buffer(channels), dyXhat: buffer(channels) },
  };
  backend.reserve?.(job.dtype, g);
  if (kernel === "gradNormalize") CALLS.gradSums.run(kernels, o);
  const { run, outputs } = CALLS[kernel];
  return {
    ...timed(backend, () => run(kernels, o), clock),
    async output() {
      const buffers = outputs(o);
      const all = new HostType(buffers.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const one of buffers) {
        all.set(await backend.read(one, one.length), at);
        at += one.length;
      }
      return all;
    },
    close() {
      for (const one of made) one.dispose();
    },
  };
}

/** The same kernel on one channel of one row with as many elements. The difference is the cost of the shape. */
export function onOneRow(backend: Backend): Implementation {
  const { threads, dtypes, hostVisible } = backend.supports;
  const one: Implementation = {
    name: `one row (@bn/${backend.name})`,
    threads,
    tolerance: 64,
    async prepare(job) {
      if (!dtypes.includes(job.dtype) || !hostVisible) return null;
      const row: Job = { ...job, shape: [1, 1, job.shape.reduce((a, b) => a * b, 1)], axis: 1 };
      const inputs = inputsOf(row);
      const prepared = prepareKernel(backend, row, inputs);
      if (prepared === null) return null;
      return {
        ...prepared,
        // The result is checked here against its own inputs, because those of the job have another shape.
        async output() {
          const got = await prepared.output();
          const wrong = got && complaint(one, row, inputs, got);
          if (wrong) throw new Error(wrong);
          return null;
        },
      };
    },
    close: () => backend.dispose(),
  };
  return one;
}
