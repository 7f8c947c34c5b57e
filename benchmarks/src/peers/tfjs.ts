import { affineOf, EPS, type Implementation, PLAIN_SUMS } from "../implementation.ts";
import { geometryOf } from "../jobs.ts";
import { importPeer, resolvePeer } from "./install.ts";

// The part of @tensorflow/tfjs-core that is used. Peers and their types are not part of the workspace.
interface Tensor {
  data(): Promise<Float32Array>;
  dispose(): void;
}
interface Tf {
  setBackend(name: string): Promise<boolean>;
  getBackend(): string;
  tensor(values: Float32Array, shape?: readonly number[]): Tensor;
  moments(x: Tensor, axes: number[]): { mean: Tensor; variance: Tensor };
  batchNorm(x: Tensor, mean: Tensor, variance: Tensor, offset: Tensor, scale: Tensor, eps: number): Tensor;
  tidy<T>(f: () => T): T;
}

/**
 * tfjs on its wasm or cpu backend, on one thread. Its batchNorm supports only channels-last, so it gets the same
 * numbers in that order. Batch statistics are tf.moments followed by batchNorm. Its gradient has no kernel of its own
 * and is not timed.
 */
export async function tfjs(backend: "wasm" | "cpu"): Promise<Implementation> {
  const tf = await importPeer<Tf>("@tensorflow/tfjs-core");
  if (backend === "wasm") {
    const wasm = await importPeer<{ setWasmPaths(prefix: string): void; setThreadsCount(count: number): void }>(
      "@tensorflow/tfjs-backend-wasm",
    );
    wasm.setWasmPaths(resolvePeer("@tensorflow/tfjs-backend-wasm").replace(/[^/]+$/, ""));
    wasm.setThreadsCount(1);
  } else {
    await importPeer("@tensorflow/tfjs-backend-cpu");
  }
  return {
    name: `tfjs-${backend}`,
    threads: 1,
    tolerance: PLAIN_SUMS,
    async prepare(job, inputs) {
      const { op, dtype, axis, shape } = job;
      if (op.startsWith("backward") || dtype !== "float32") return null;
      await tf.setBackend(backend);
      if (tf.getBackend() !== backend) throw new Error(`tfjs did not start its ${backend} backend`);
      const { gamma, beta } = affineOf(job, inputs);
      const { outer, channels, inner } = geometryOf(job);
      const planes = axis === shape.length - 1 ? 1 : inner;
      const tensor = (values: ArrayLike<number>) => tf.tensor(Float32Array.from(values));
      const x = tf.tensor(transpose(inputs.x as Float32Array, outer, channels, planes), [
        outer * planes,
        1,
        1,
        channels,
      ]);
      const [mean, variance, offset, scale] = [inputs.mean, inputs.variance, beta, gamma].map(tensor) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      const step = (): Tensor => {
        if (!op.startsWith("batch")) return tf.batchNorm(x, mean, variance, offset, scale, EPS);
        return tf.tidy(() => {
          const batch = tf.moments(x, [0, 1, 2]);
          return tf.batchNorm(x, batch.mean, batch.variance, offset, scale, EPS);
        });
      };
      let last = step();
      return {
        async run() {
          if (tf.getBackend() !== backend) await tf.setBackend(backend);
          last.dispose();
          last = step();
        },
        output: async () => transpose(await last.data(), outer, planes, channels),
        close() {
          for (const one of [x, mean, variance, offset, scale, last]) one.dispose();
        },
      };
    },
    close: async () => {},
  };
}

/** Transposes [outer][rows][columns] to [outer][columns][rows]. */
function transpose(values: Float32Array, outer: number, rows: number, columns: number): Float32Array {
  if (rows === 1 || columns === 1) return values;
  const result = new Float32Array(values.length);
  for (let o = 0; o < outer; o++) {
    const base = o * rows * columns;
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) result[base + c * rows + r] = values[base + r * columns + c] as number;
    }
  }
  return result;
}
