// Usage: node caffe-to-onnx/main.ts
import { fileURLToPath } from "node:url";
import { convertNet } from "@bn/caffe";
import { openNet, openWeights } from "@bn/caffe/node";
import { createCpu } from "@bn/cpu";
import { runModel, verifyModel } from "@bn/onnx/verify";

// A face detector that @bn/caffe contains. Replace it by your own files.
const files = new URL("test/models/yoloface-50k/yoloface-50k", import.meta.resolve("@bn/caffe/package.json"));
const net = await openNet(`${fileURLToPath(files)}.prototxt`);
const weights = await openWeights(`${fileURLToPath(files)}.caffemodel`);
const { bytes, inputs, outputs, norms } = convertNet({ net, weights });

// The proof: every BatchNorm, with Caffe's own blobs, is compared with the result of its node in ONNX Runtime.
await using cpu = await createCpu();
const { rows } = await verifyModel(bytes, [cpu], { layers: norms });
const ratios = rows.map(({ backends }) => backends[0]?.onnxRuntime?.ratio ?? Number.POSITIVE_INFINITY);
const within = ratios.filter((ratio) => ratio <= 1).length;
const worst = Math.max(...ratios).toFixed(2);
console.log(
  `${norms.size} BatchNorm layers: ${within} of ${rows.length} within their bounds, the worst at ${worst} of it`,
);

const shape = inputs[0]?.shape ?? [];
const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i));
const results = await runModel(bytes, { [inputs[0]?.tensor ?? ""]: { type: "float32", shape, data } });
for (const { tensor } of outputs) {
  const values = results.get(tensor)?.data as Float32Array;
  const [least, most] = [Math.min(...values), Math.max(...values)];
  console.log(`${tensor}: ${values.length} values, from ${least.toFixed(2)} to ${most.toFixed(2)}`);
}
