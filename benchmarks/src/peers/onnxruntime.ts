import { batchNormOf, buildModel } from "@bn/onnx";
import type * as Ort from "onnxruntime-common";
import { affineOf, EPS, type Implementation, PLAIN_SUMS } from "../implementation.ts";
import { importPeer } from "./install.ts";

/**
 * onnxruntime-node, or the wasm of onnxruntime-web, on one thread, in inference and training_mode. It has no backward.
 */
export async function onnxRuntime(name: "onnxruntime-node" | "onnxruntime-web"): Promise<Implementation> {
  const ort = await importPeer<typeof Ort>(name);
  if (name === "onnxruntime-web") ort.env.wasm.numThreads = 1;
  return {
    name,
    threads: 1,
    tolerance: PLAIN_SUMS,
    async prepare(job, inputs) {
      const { op, shape, axis, dtype } = job;
      if (op.startsWith("backward") || axis !== 1) return null; // BatchNormalization has channels on axis 1
      const { gamma, beta } = affineOf(job, inputs);
      const Values = dtype === "float32" ? Float32Array : Float64Array;
      const training = op.startsWith("batch");
      const blobs = [inputs.mean, inputs.variance, [1], gamma, beta].map((values) => Values.from(values));
      const record = batchNormOf(blobs, { eps: EPS, movingAverageFraction: 0.9 });
      const model = buildModel(record, { shape, training });
      const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, executionMode: "sequential" });
      const feeds = { X: new ort.Tensor(dtype, inputs.x as Float32Array, shape) };
      // A tensor for the output, as our backends have it; otherwise allocating 26 MB per call would be timed.
      const y = new ort.Tensor(dtype, new Values(inputs.x.length) as Float32Array, shape);
      const fetches = training ? { Y: y, running_mean: null, running_var: null } : { Y: y };
      let last: Ort.Tensor | undefined = y;
      const run = async () => {
        last = (await session.run(feeds, fetches)).Y; // onnxruntime-web makes a tensor of its own
      };
      return { run, output: async () => last?.data as ArrayLike<number>, close: () => session.release() };
    },
    close: async () => {},
  };
}
