import { type Backend, type Blob, createBatchNorm, createBatchNormScale, createBlob } from "@bn/core";
import { EPS, type Implementation, type Prepared } from "./implementation.ts";
import type { Inputs, Job } from "./jobs.ts";

/** A backend through its layers, as a user calls them. */
export function ours(backend: Backend): Implementation {
  const { threads, dtypes } = backend.supports;
  return {
    name: `@bn/${backend.name}`,
    threads,
    tolerance: 64,
    async prepare(job, inputs) {
      return dtypes.includes(job.dtype) ? prepareLayer(backend, job, inputs) : null;
    },
    close: () => backend.dispose(),
  };
}

/** The backend's own copy kernel on one tensor. */
export function copyOf(backend: Backend): Implementation {
  return {
    name: `copy (@bn/${backend.name})`,
    threads: backend.supports.threads,
    tolerance: 0,
    async prepare({ shape, dtype }, inputs) {
      if (!backend.supports.dtypes.includes(dtype)) return null;
      const x = createBlob(backend, shape, dtype);
      const y = createBlob(backend, shape, dtype);
      x.write(inputs.x);
      return {
        run: finished(backend, () => backend.kernels.copy(x.count(), x.data, y.data)),
        output: async () => null,
        close() {
          x.dispose();
          y.dispose();
        },
      };
    },
    close: () => backend.dispose(),
  };
}

async function prepareLayer(backend: Backend, job: Job, inputs: Inputs): Promise<Prepared> {
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
    run: finished(backend, call),
    output: () => (backward ? x.readDiff() : y.read()),
    close() {
      layer.dispose();
      x.dispose();
      y.dispose();
    },
  };
}

/** A run is over when its work is: where the call alone does not say so, wait for the queue. */
function finished(backend: Backend, call: () => void): () => void | Promise<void> {
  if (backend.supports.hostVisible) return call;
  return () => {
    call();
    return backend.finish();
  };
}
