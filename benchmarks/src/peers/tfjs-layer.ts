import { affineOf, EPS, type Prepared } from "../implementation.ts";
import { geometryOf, type Inputs, type Job } from "../jobs.ts";

// The part of @tensorflow/tfjs-core that is used. Peers and their types are not part of the workspace.
interface Tensor {
  data(): Promise<Float32Array>;
  dispose(): void;
}
export interface Tf {
  setBackend(name: string): Promise<boolean>;
  tensor(values: Float32Array, shape?: readonly number[]): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  transpose(x: Tensor, order: readonly number[]): Tensor;
  moments(x: Tensor, axes: readonly number[]): { mean: Tensor; variance: Tensor };
  batchNorm(x: Tensor, mean: Tensor, variance: Tensor, offset: Tensor, scale: Tensor, eps: number): Tensor;
  tidy<T>(call: () => T): T;
}

/**
 * tfjs's batchNorm supports only channels-last, so it gets the same numbers in that order. Batch statistics are
 * tf.moments followed by batchNorm. Its gradient has no kernel of its own and is not timed. `before` and `after` belong
 * to each run.
 */
export function prepareTfjs(
  tf: Tf,
  job: Job,
  inputs: Inputs,
  { before, after }: { readonly before?: () => Promise<void>; readonly after?: () => Promise<void> },
): Prepared | null {
  if (job.op.startsWith("backward")) return null;
  const { outer, channels, inner } = geometryOf(job);
  const { gamma, beta } = affineOf(job, inputs);
  const x = tf.tidy(() => {
    const given = tf.tensor(inputs.x as Float32Array, [outer, channels, inner]);
    return tf.reshape(tf.transpose(given, [0, 2, 1]), [outer * inner, 1, 1, channels]);
  });
  const vector = (values: ArrayLike<number>) => tf.tensor(Float32Array.from(values));
  const [mean, variance] = [vector(inputs.mean), vector(inputs.variance)];
  const [offset, scale] = [vector(beta), vector(gamma)];
  const step = () =>
    tf.tidy(() => {
      const stats = job.op.startsWith("batch") ? tf.moments(x, [0, 1, 2]) : { mean, variance };
      return tf.batchNorm(x, stats.mean, stats.variance, offset, scale, EPS);
    });
  let last = step();
  return {
    async run() {
      await before?.();
      last.dispose();
      last = step();
      await after?.();
    },
    output: () => tf.tidy(() => tf.transpose(tf.reshape(last, [outer, inner, channels]), [0, 2, 1])).data(),
    close() {
      for (const one of [x, mean, variance, offset, scale, last]) one.dispose();
    },
  };
}
