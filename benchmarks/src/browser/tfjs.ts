import { type Implementation, PLAIN_SUMS } from "../implementation.ts";
import { prepareTfjs, type Tf } from "../peers/tfjs-layer.ts";
import { importServed } from "./peer.ts";

interface TfBackend {
  readonly device: GPUDevice;
  /** Null if no work waits to be submitted. */
  readonly commandEncoder: GPUCommandEncoder | null;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

/** tfjs on its WebGPU backend. */
export async function tfjs(): Promise<Implementation> {
  const tf = await importServed<Tf & { backend(): TfBackend }>("/bench/tfjs.js");
  if (!(await tf.setBackend("webgpu"))) throw new Error("tfjs did not start its webgpu backend");
  const backend = tf.backend();
  const after = async () => {
    if (backend.commandEncoder) {
      backend.endComputePassEncoder();
      backend.submitQueue();
    }
    await backend.device.queue.onSubmittedWorkDone();
  };
  return {
    name: "tfjs-webgpu",
    threads: 1,
    tolerance: PLAIN_SUMS,
    prepare: async (job, inputs) => prepareTfjs(tf, job, inputs, { after }),
    close: async () => {},
  };
}
