import { type Backend, createBatchNormScale, createBlob } from "@bn/core";
import type { BackendName } from "../backends.ts";
import type { OpenBackend } from "../parts/serve-task.ts";
import { loadTf } from "../parts/tfjs.ts";
import { EPS, type Inputs, type Job } from "./jobs.ts";

/** A prepared job. Only `run` is timed. */
export interface Prepared {
  run(): Promise<void>;
  output(): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface Contender {
  readonly name: string;
  /** Null if it cannot do the job. */
  prepare(job: Job, inputs: Inputs): Promise<Prepared | null>;
  close(): Promise<void>;
}

/** The lower limit: every result needs at least as many bytes written, and its input as many read. */
export const COPY = "a copy of the same bytes";

export const copy: Contender = {
  name: COPY,
  async prepare(_, { x }) {
    const target = new Float32Array(x.length);
    return {
      run: async () => target.set(x),
      output: async () => target,
      close: async () => {},
    };
  },
  close: async () => {},
};

/** Errors: those of the backend. */
export async function openOurs(name: BackendName, open: OpenBackend): Promise<Contender> {
  const backend = await open(name);
  return {
    name: `@bn/${name}`,
    prepare: (job, inputs) => prepareOurs(backend, job, inputs),
    close: () => backend.dispose(),
  };
}

async function prepareOurs(backend: Backend, { op, shape }: Job, inputs: Inputs): Promise<Prepared> {
  const { x, dy, mean, variance, gamma, beta } = inputs;
  const [bottom, top] = [createBlob(backend, shape), createBlob(backend)];
  const layer = createBatchNormScale({ eps: EPS, biasTerm: true, useGlobalStats: op === "stored" });
  bottom.write(x);
  layer.setUp([bottom], [top]);
  for (const [i, values] of [mean, variance, [1], gamma, beta].entries()) layer.blobs[i]?.write(values);
  layer.forward([bottom], [top]);
  const backward = op === "backward";
  if (backward) top.writeDiff(dy);
  await backend.finish();
  return {
    async run() {
      if (backward) layer.backward([top], [true], [bottom]);
      else layer.forward([bottom], [top]);
      await backend.finish();
    },
    output: () => (backward ? bottom.readDiff() : top.read()),
    async close() {
      for (const one of [layer, top, bottom]) one.dispose();
    },
  };
}

/** Peers, which are loaded when they are first needed. Their gradients are not timed. */
export const PEERS: Readonly<Record<string, () => Promise<Contender>>> = {
  "tfjs (JavaScript)": async () => {
    const tf = await loadTf();
    return {
      name: "tfjs (JavaScript)",
      async prepare({ op, shape }, { x, mean, variance, gamma, beta }) {
        if (op === "backward" || shape.length !== 4) return null;
        // tfjs has channels last: its input is reordered before the clock starts, and its output after it stops.
        const input = tf.tidy(() => tf.transpose(tf.tensor(x, shape), [0, 2, 3, 1]));
        const vector = (values: Float32Array) => tf.tensor(values, [values.length]);
        const [m, v, g, b] = [vector(mean), vector(variance), vector(gamma), vector(beta)];
        const step = () =>
          tf.tidy(() => {
            const stats = op === "batch" ? tf.moments(input, [0, 1, 2]) : { mean: m, variance: v };
            return tf.batchNorm(input, stats.mean, stats.variance, b, g, EPS);
          });
        let last = step();
        return {
          async run() {
            last.dispose();
            last = step();
          },
          output: () => tf.tidy(() => tf.transpose(last, [0, 3, 1, 2])).data(),
          async close() {
            for (const one of [input, m, v, g, b, last]) one.dispose();
          },
        };
      },
      close: async () => {},
    };
  },
  "onnxruntime-web (wasm)": async () => {
    const { normSession, ort } = await import("../parts/ort.ts");
    return {
      name: "onnxruntime-web (wasm)",
      async prepare({ op, shape }, inputs) {
        if (op !== "stored") return null;
        const session = await normSession({ ...inputs, eps: EPS }, shape);
        const feeds = { X: new ort.Tensor("float32", inputs.x, shape) };
        let last = new Float32Array();
        return {
          async run() {
            last = (await session.run(feeds)).Y?.data as Float32Array<ArrayBuffer>;
          },
          output: async () => last,
          close: () => session.release(),
        };
      },
      close: async () => {},
    };
  },
};
