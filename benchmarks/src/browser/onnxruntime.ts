import { batchNormOf, buildModel } from "@bn/onnx";
import type * as Ort from "onnxruntime-common";
import { affineOf, EPS, type Implementation, PLAIN_SUMS } from "../implementation.ts";
import { importServed } from "./peer.ts";

/** onnxruntime-web on WebGPU, with input and output in GPU buffers of its device. It has no backward. */
export async function onnxRuntime(): Promise<Implementation> {
  const ort = await importServed<typeof Ort>("onnxruntime-web/webgpu");
  return {
    name: "onnxruntime-web-webgpu",
    threads: 1,
    tolerance: PLAIN_SUMS,
    async prepare(job, inputs) {
      const { op, shape, axis } = job;
      if (op.startsWith("backward") || axis !== 1) return null; // BatchNormalization has channels on axis 1
      const { gamma, beta } = affineOf(job, inputs);
      const training = op.startsWith("batch");
      const blobs = [inputs.mean, inputs.variance, [1], gamma, beta].map((values) => Float32Array.from(values));
      const record = batchNormOf(blobs, { eps: EPS, movingAverageFraction: 0.9 });
      const model = buildModel(record, { shape, training });
      const session = await ort.InferenceSession.create(model, {
        executionProviders: ["webgpu"],
        preferredOutputLocation: "gpu-buffer",
      });
      const device = (await ort.env.webgpu.device) as GPUDevice;
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
      const buffer = device.createBuffer({ size: inputs.x.byteLength, usage });
      device.queue.writeBuffer(buffer, 0, inputs.x as Float32Array<ArrayBuffer>);
      const feeds = { X: ort.Tensor.fromGpuBuffer(buffer, { dataType: "float32", dims: shape }) };
      let last: Ort.Tensor | undefined;
      const run = async () => {
        last?.dispose();
        const results = await session.run(feeds);
        last = results.Y as Ort.Tensor;
        for (const [name, other] of Object.entries(results)) if (name !== "Y") other.dispose();
        await device.queue.onSubmittedWorkDone();
      };
      const close = async () => {
        last?.dispose();
        buffer.destroy();
        await session.release();
      };
      return { run, output: async () => (await (last as Ort.Tensor).getData()) as Float32Array, close };
    },
    close: async () => {},
  };
}
