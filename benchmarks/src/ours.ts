import type { Backend, Blob } from "@bn/core";
import * as thisCore from "@bn/core";
import type { GpuClock } from "./gpu-clock.ts";
import { EPS, type Implementation, type Prepared, timed } from "./implementation.ts";
import { type Inputs, isKernel, type Job, kernelOf, TRAFFIC, TRAFFIC_OF_COPY } from "./jobs.ts";
import { prepareKernel } from "./kernels.ts";

/** The function that creates layers, of this checkout or of the one that it is compared with. */
export type Core = Pick<typeof thisCore, "createBatchNorm" | "createBatchNormScale" | "createBlob">;

interface Choices {
  readonly name?: string;
  readonly core?: Core;
  /** Without it, the wall's clock. */
  readonly clock?: GpuClock | null;
}

/** A backend, used through its layers as by a user, or by its kernels alone. */
export function ours(backend: Backend, choices: Choices = {}): Implementation {
  const { name = `@bn/${backend.name}`, core = thisCore, clock = null } = choices;
  const { threads, dtypes } = backend.supports;
  return {
    name,
    threads,
    tolerance: 64,
    async prepare(job, inputs) {
      if (!dtypes.includes(job.dtype)) return null;
      return isKernel(job.op)
        ? prepareKernel(backend, job, inputs, clock)
        : prepareLayer(core, backend, job, inputs, clock);
    },
    close: () => backend.dispose(),
  };
}

/** The backend's own copy kernel on one tensor. */
export function copyOf(backend: Backend, clock: GpuClock | null = null): Implementation {
  return copying(`copy (@bn/${backend.name})`, backend, () => 1, clock);
}

/** A copy that moves as many bytes as the kernel, if none stays in a cache. */
export function copyOfTraffic(backend: Backend): Implementation {
  return copying(`as many bytes (@bn/${backend.name})`, backend, (job) => TRAFFIC[kernelOf(job)] / TRAFFIC_OF_COPY);
}

function copying(
  name: string,
  backend: Backend,
  tensors: (job: Job) => number,
  clock: GpuClock | null = null,
): Implementation {
  return {
    name,
    threads: backend.supports.threads,
    tolerance: 0,
    async prepare(job, { x: { length, BYTES_PER_ELEMENT } }) {
      if (!backend.supports.dtypes.includes(job.dtype)) return null;
      const n = Math.ceil(length * tensors(job));
      const from = backend.alloc(job.dtype, n);
      const to = backend.alloc(job.dtype, n);
      backend.kernels.fill(n, 1, from);
      return {
        ...timed(backend, () => backend.kernels.copy(n, from, to), clock),
        bytes: 2 * n * BYTES_PER_ELEMENT,
        output: async () => null,
        close() {
          from.dispose();
          to.dispose();
        },
      };
    },
    close: () => backend.dispose(),
  };
}

async function prepareLayer(
  core: Core,
  backend: Backend,
  job: Job,
  inputs: Inputs,
  clock: GpuClock | null,
): Promise<Prepared> {
  const { createBatchNorm, createBatchNormScale, createBlob } = core;
  const { op, shape, axis, dtype } = job;
  const scaled = op.endsWith("+scale");
  const params = { axis, eps: EPS, phase: op.startsWith("global") ? "test" : "train" } as const;
  const layer = scaled ? createBatchNormScale({ ...params, biasTerm: true }) : createBatchNorm(params);
  const x = createBlob(backend, shape, dtype);
  const y = createBlob(backend, [0], dtype);
  const [bottom, top, down] = [[x], [y], [true]];
  x.write(inputs.x);
  layer.setUp(bottom, top);
  const [mean, variance, factor, gamma, beta] = layer.blobs as [Blob, Blob, Blob, Blob?, Blob?];
  mean.write(inputs.mean);
  variance.write(inputs.variance);
  factor.write([1]);
  gamma?.write(inputs.gamma);
  beta?.write(inputs.beta);
  const backward = op.startsWith("backward");
  if (backward) {
    layer.forward(bottom, top);
    y.writeDiff(inputs.dy);
  }
  const call = backward ? () => layer.backward(top, down, bottom) : () => layer.forward(bottom, top);
  return {
    ...timed(backend, call, clock),
    output: () => (backward ? x.readDiff() : y.read()),
    close() {
      layer.dispose();
      x.dispose();
      y.dispose();
    },
  };
}
