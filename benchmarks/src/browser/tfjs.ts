import { affineOf, EPS, type Implementation, PLAIN_SUMS } from "../implementation.ts";
import { importServed } from "./peer.ts";

// The part of the library that is used. Peers and their types are not part of the workspace.
interface Tensor {
  data(): Promise<Float32Array>;
  dispose(): void;
}
interface TfBackend {
  readonly device: GPUDevice;
  /** Null if no work waits to be submitted. */
  readonly commandEncoder: GPUCommandEncoder | null;
  endComputePassEncoder(): void;
  submitQueue(): void;
}
interface Tf {
  setBackend(name: string): Promise<boolean>;
  backend(): TfBackend;
  tensor(values: Float32Array, shape?: readonly number[]): Tensor;
  transpose(x: Tensor, order: readonly number[]): Tensor;
  moments(x: Tensor, axes: readonly number[]): { mean: Tensor; variance: Tensor };
  batchNorm(x: Tensor, mean: Tensor, variance: Tensor, offset: Tensor, scale: Tensor, eps: number): Tensor;
  tidy<T>(call: () => T): T;
}

/**
 * tfjs on its WebGPU backend. Its batchNorm supports only channels-last, so it gets the same numbers in that order.
 * Batch statistics are tf.moments followed by batchNorm. Its gradient has no kernel of its own and is not timed.
 */
export async function tfjs(): Promise<Implementation> {
  const tf = await importServed<Tf>("/bench/tfjs.js");
  if (!(await tf.setBackend("webgpu"))) throw new Error("tfjs did not start its webgpu backend");
  const backend = tf.backend();
  return {
    name: "tfjs-webgpu",
    threads: 1,
    tolerance: PLAIN_SUMS,
    async prepare(job, inputs) {
      const { op, shape, axis } = job;
      if (op.startsWith("backward") || axis !== 1 || shape.length !== 4) return null;
      const { gamma, beta } = affineOf(job, inputs);
      const tensor = (values: ArrayLike<number>) => tf.tensor(Float32Array.from(values));
      const x = tf.tidy(() => tf.transpose(tf.tensor(inputs.x as Float32Array, shape), [0, 2, 3, 1]));
      const mean = tensor(inputs.mean);
      const variance = tensor(inputs.variance);
      const [offset, scale] = [tensor(beta), tensor(gamma)];
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
          last.dispose();
          last = step();
          if (backend.commandEncoder) {
            backend.endComputePassEncoder();
            backend.submitQueue();
          }
          await backend.device.queue.onSubmittedWorkDone();
        },
        output: () => tf.tidy(() => tf.transpose(last, [0, 3, 1, 2])).data(),
        close() {
          for (const one of [x, mean, variance, offset, scale, last]) one.dispose();
        },
      };
    },
    close: async () => {},
  };
}
