import { affineOf, EPS, type Implementation, PLAIN_SUMS } from "../implementation.ts";
import { geometryOf } from "../jobs.ts";
import { importServed } from "./peer.ts";

// The part of the library that is used. Peers and their types are not part of the workspace.
interface Value {
  /** A new reference to the same value, because an operation consumes its arguments. */
  readonly ref: Value;
  reshape(shape: readonly number[]): Value;
  add(other: Value | number): Value;
  sub(other: Value | number): Value;
  mul(other: Value | number): Value;
  data(): Promise<Float32Array>;
  dispose(): void;
  blockUntilReady(): Promise<Value>;
}
interface Jax {
  init(device: "webgpu"): Promise<string[]>;
  defaultDevice(device: "webgpu"): string;
  getWebGPUDevice(): GPUDevice;
  jit(call: (...values: Value[]) => Value): (...values: Value[]) => Value;
  readonly numpy: {
    array(values: Float32Array): Value;
    mean(x: Value, axes: readonly number[], options: { keepdims: boolean }): Value;
    sqrt(x: Value): Value;
    square(x: Value): Value;
    reciprocal(x: Value): Value;
  };
}

/** jax-js on WebGPU: the formulas as a user writes them, fused by its jit. Its gradient is not timed. */
export async function jax(): Promise<Implementation> {
  const { init, defaultDevice, getWebGPUDevice, jit, numpy: np } = await importServed<Jax>("/bench/jax.js");
  if (!(await init("webgpu")).includes("webgpu")) throw new Error("jax-js did not start its webgpu backend");
  defaultDevice("webgpu");
  const { queue } = getWebGPUDevice();

  const normalize = (x: Value, mean: Value, variance: Value, gamma: Value, beta: Value) =>
    x
      .sub(mean)
      .mul(gamma.mul(np.reciprocal(np.sqrt(variance.add(EPS)))))
      .add(beta);
  const global = jit(normalize);
  const batch = jit((x, gamma, beta) => {
    const axes = [0, 2, 3];
    const mean = np.mean(x.ref, axes, { keepdims: true });
    const variance = np.mean(np.square(x.ref.sub(mean.ref)), axes, { keepdims: true });
    return normalize(x, mean, variance, gamma, beta);
  });

  return {
    name: "jax-js",
    threads: 1,
    tolerance: PLAIN_SUMS,
    async prepare(job, inputs) {
      const { op, shape, axis } = job;
      if (op.startsWith("backward") || axis !== 1 || shape.length !== 4) return null;
      const affine = affineOf(job, inputs);
      const array = (values: ArrayLike<number>, dims: readonly number[]) =>
        np.array(Float32Array.from(values)).reshape(dims);
      const perChannel = (values: ArrayLike<number>) => array(values, [1, geometryOf(job).channels, 1, 1]);
      const x = array(inputs.x, shape);
      const [mean, variance] = [perChannel(inputs.mean), perChannel(inputs.variance)];
      const [gamma, beta] = [perChannel(affine.gamma), perChannel(affine.beta)];
      const operands = op.startsWith("batch") ? [x, gamma, beta] : [x, mean, variance, gamma, beta];
      const step = op.startsWith("batch") ? batch : global;
      let last: Value | null = null;
      return {
        async run() {
          last?.dispose();
          last = step(...operands.map((one) => one.ref));
          await last.blockUntilReady();
          await queue.onSubmittedWorkDone();
        },
        output: () => (last as Value).ref.data(),
        close() {
          for (const one of [x, mean, variance, gamma, beta, last]) one?.dispose();
        },
      };
    },
    close: async () => {},
  };
}
