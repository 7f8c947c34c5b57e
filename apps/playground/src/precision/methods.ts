import type { HostArray } from "@bn/core";
import { createBatchNorm, createBlob } from "@bn/core";
import { type BackendName, createBackend } from "../backends.ts";
import type { OpenBackend } from "../parts/serve-task.ts";
import { loadTf } from "../parts/tfjs.ts";

/** The moments of the data, computed in float64 and rounded: the input of a layer with stored statistics. */
export interface Known {
  readonly mean: number;
  readonly variance: number;
  readonly eps: number;
}

/** One way to normalize a single channel x in float32. */
export interface Method {
  readonly name: string;
  readonly normalize: (x: Float32Array, known: Known) => Promise<HostArray>;
  readonly close: () => Promise<void>;
}

const f = Math.fround;
const plain = (name: string, normalize: (x: Float32Array, known: Known) => Float32Array): Method => ({
  name,
  normalize: async (x, known) => normalize(x, known),
  close: async () => {},
});

const sum = (x: Float32Array, term: (value: number) => number) =>
  x.reduce((total, value) => f(total + f(term(value))), 0);
const centred = (x: Float32Array, mean: number, variance: number, eps: number) => {
  const r = f(1 / f(Math.sqrt(f(variance + eps))));
  return x.map((value) => f(f(value - mean) * r));
};

/**
 * Formulas that are often found in code: all arithmetic is rounded to float32, and sums add one value after another.
 */
export const FORMULAS: readonly Method[] = [
  plain("E[x^2] - E[x]^2", (x, { eps }) => {
    const mean = f(sum(x, (value) => value) / x.length);
    const square = f(sum(x, (value) => value * value) / x.length);
    return centred(x, mean, f(square - f(mean * mean)), eps);
  }),
  plain("x A + B, exact statistics", (x, { mean, variance, eps }) => {
    const a = f(1 / Math.sqrt(variance + eps));
    const b = f(-mean * a);
    return x.map((value) => f(f(value * a) + b));
  }),
  plain("two passes", (x, { eps }) => {
    const mean = f(sum(x, (value) => value) / x.length);
    const variance = f(sum(x, (value) => f(value - mean) * f(value - mean)) / x.length);
    return centred(x, mean, variance, eps);
  }),
];

/** BatchNorm of this project, with the batch's own statistics. Errors: those of the backend. */
export async function openBackendMethod(name: BackendName, open: OpenBackend = createBackend): Promise<Method> {
  const backend = await open(name);
  return {
    name: `@bn/${name}`,
    async normalize(x, { eps }) {
      const [bottom, top, layer] = [createBlob(backend, [x.length, 1]), createBlob(backend), createBatchNorm({ eps })];
      try {
        bottom.write(x);
        layer.setUp([bottom], [top]);
        layer.forward([bottom], [top]);
        return await top.read();
      } finally {
        for (const one of [layer, top, bottom]) one.dispose();
      }
    },
    close: () => backend.dispose(),
  };
}

/** Libraries, which are loaded when they are first needed. */
export const PEERS: Readonly<Record<string, () => Promise<Method>>> = {
  tfjs: async () => {
    const tf = await loadTf();
    return {
      name: "tfjs, batch statistics",
      async normalize(x, { eps }) {
        const y = tf.tidy(() => {
          const input = tf.tensor(x, [x.length, 1]);
          const { mean, variance } = tf.moments(input, [0]);
          const [zero, one] = [tf.tensor(Float32Array.of(0), [1]), tf.tensor(Float32Array.of(1), [1])];
          return tf.batchNorm(input, mean, variance, zero, one, eps);
        });
        const values = await y.data();
        y.dispose();
        return values;
      },
      close: async () => {},
    };
  },
  "onnxruntime-web": async () => {
    const { normSession, ort } = await import("../parts/ort.ts");
    return {
      name: "onnxruntime-web, stored statistics",
      async normalize(x, { mean, variance, eps }) {
        const [gamma, beta] = [Float32Array.of(1), Float32Array.of(0)];
        const stored = { mean: Float32Array.of(mean), variance: Float32Array.of(variance), gamma, beta, eps };
        const session = await normSession(stored, [x.length, 1]);
        const { Y } = await session.run({ X: new ort.Tensor("float32", x, [x.length, 1]) });
        await session.release();
        return Y?.data as Float32Array;
      },
      close: async () => {},
    };
  },
};
