/** The part of tfjs that is used. Its own types would bring in older ones of WebGPU. */
interface TfTensor {
  data(): Promise<Float32Array>;
  dispose(): void;
}
export interface Tf {
  setBackend(name: "cpu"): Promise<boolean>;
  ready(): Promise<void>;
  tensor(values: Float32Array, shape: readonly number[]): TfTensor;
  tidy<T>(body: () => T): T;
  transpose(x: TfTensor, order: readonly number[]): TfTensor;
  moments(x: TfTensor, axes: readonly number[]): { readonly mean: TfTensor; readonly variance: TfTensor };
  batchNorm(x: TfTensor, mean: TfTensor, variance: TfTensor, offset: TfTensor, scale: TfTensor, eps: number): TfTensor;
}

/** Loads tfjs with its JavaScript backend when it is first needed. */
export async function loadTf(): Promise<Tf> {
  const [core] = await Promise.all([import("@tensorflow/tfjs-core"), import("@tensorflow/tfjs-backend-cpu")]);
  const tf = core as Tf;
  await tf.setBackend("cpu");
  await tf.ready();
  return tf;
}
