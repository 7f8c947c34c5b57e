import { readFile } from "node:fs/promises";
import { bounds, compare, oracle } from "@bn/conformance";
import { createCpu } from "@bn/cpu";
import { create, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, type NodeProto, type TensorProto } from "onnx-buf";
import { expect, test } from "vitest";
import { intAttribute, intsAttribute, nodeOf, tensorOf, valueInfo } from "../src/graph/encode.ts";
import {
  batchNormOf,
  buildModel,
  exportNodes,
  importModel,
  type LayerRecord,
  quotients,
  type ScaleRecord,
} from "../src/index.ts";
import { runModel, verifyModel } from "../src/verify/index.ts";
import { foldedBound, runtimePrecision } from "../src/verify/runtime-bounds.ts";

interface Values {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
interface Network {
  readonly input: Values;
  readonly output: Values;
  readonly blobs: Readonly<Record<string, readonly Values[]>>;
  readonly tops: Readonly<Record<string, Values>>;
}
/** A network that Caffe trained, with Caffe's output for an input. */
const NETWORK: Network = JSON.parse(await readFile(new URL("caffe/multi-bn-eps.json", import.meta.url), "utf8"));
const EPS = [1e-5, 1e-3, 2e-5];

const blob = (layer: string, i: number) => NETWORK.blobs[layer]?.[i] as Values;
const floats = ({ data }: Values) => Float32Array.from(data);
const weight = (layer: string, i: number) => tensorOf(`${layer}.${i}`, blob(layer, i).shape, floats(blob(layer, i)));

/** BatchNorm and Scale number `k` of the network, from its blobs. */
function layersOf(k: number): readonly LayerRecord[] {
  const norm = batchNormOf(
    [0, 1, 2].map((i) => floats(blob(`bn${k}`, i))),
    { eps: EPS[k - 1] as number },
  );
  const [gamma, beta] = NETWORK.blobs[`scale${k}`] as readonly Values[];
  const scale: ScaleRecord = {
    type: "Scale",
    name: `scale${k}`,
    dtype: "float32",
    channels: gamma?.data.length ?? 0,
    statistics: null,
    axis: 1,
    phase: "test",
    parameterShape: gamma?.shape ?? [],
    gamma: floats(gamma as Values),
    beta: beta ? floats(beta) : null,
    source: { format: "caffe", nodes: [`scale${k}`], where: "" },
  };
  return [norm, scale];
}

/** The whole network, with normalizations that exportNodes wrote. */
function network(): Uint8Array {
  const nodes: NodeProto[] = [];
  const stored: TensorProto[] = [];
  const convolution = (k: number, from: string, size: number, pad: number, stride: number) => {
    const names = (NETWORK.blobs[`conv${k}`] ?? []).map((_, i) => `conv${k}.${i}`);
    stored.push(...names.map((_, i) => weight(`conv${k}`, i)));
    const attributes = [
      intsAttribute("kernel_shape", [size, size]),
      intsAttribute("pads", [pad, pad, pad, pad]),
      intsAttribute("strides", [stride, stride]),
    ];
    nodes.push(nodeOf("Conv", `conv${k}`, [from, ...names], [`conv${k}`], attributes));
    const norm = exportNodes(layersOf(k), { input: `conv${k}`, output: `scale${k}`, prefix: `bn${k}/`, rank: 4 });
    nodes.push(...norm.nodes);
    stored.push(...norm.initializers);
  };
  convolution(1, "data", 3, 1, 1);
  nodes.push(nodeOf("Relu", "relu1", ["scale1"], ["relu1"]));
  convolution(2, "relu1", 3, 1, 2);
  nodes.push(nodeOf("Relu", "relu2", ["scale2"], ["relu2"]));
  convolution(3, "relu2", 1, 0, 1);
  nodes.push(
    nodeOf("GlobalAveragePool", "pool", ["scale3"], ["pool"]),
    nodeOf("Flatten", "flatten", ["pool"], ["flat"]),
    nodeOf("Gemm", "fc", ["flat", "fc.0", "fc.1"], ["out"], [intAttribute("transB", 1)]),
  );
  stored.push(weight("fc", 0), weight("fc", 1));
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: "", version: 15n }],
    graph: {
      name: "multi_bn_eps",
      node: nodes,
      initializer: stored,
      input: [valueInfo("data", 1, NETWORK.input.shape)],
      output: [valueInfo("out", 1, NETWORK.output.shape)],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

test("a network that Caffe trained verifies, node by node", async () => {
  await using cpu = await createCpu();
  const data = { type: "float32", shape: NETWORK.input.shape, data: floats(NETWORK.input) };
  const { rows, diagnostics } = await verifyModel(network(), [cpu], { feeds: { data } });
  expect(diagnostics).toEqual([]);
  expect(rows.map(({ node, backends }) => [node, backends[0]?.status])).toEqual(
    [1, 2, 3].map((k) => [`bn${k}/batch_norm`, "passed"]),
  );
  const { layers } = await importModel(network());
  expect(layers.map(({ eps }) => eps)).toEqual(EPS.map(Math.fround));
});

test.each([1, 2, 3])("ONNX Runtime makes of Caffe's conv%d what Caffe's BatchNorm and Scale made of it", async (k) => {
  const { shape, data } = NETWORK.tops[`conv${k}`] as Values;
  const outputs = await runModel(buildModel(layersOf(k), { shape }), {
    X: { type: "float32", shape, data: Float32Array.from(data) },
  });
  const [norm, scale] = layersOf(k) as [ReturnType<typeof batchNormOf>, ScaleRecord];
  const { mean, variance } = quotients(norm);
  const g = { outer: shape[0] ?? 0, channels: shape[1] ?? 0, inner: (shape[2] ?? 0) * (shape[3] ?? 0) };
  const stats = { mean: oracle.channelsOf(mean), variance: oracle.channelsOf(variance) };
  const affine = {
    gamma: oracle.channelsOf(scale.gamma as Float32Array),
    beta: scale.beta ? oracle.channelsOf(scale.beta) : null,
  };
  // Caffe's own error is N-3 with K = 4, plus N-8 for its Scale (G-2); ONNX Runtime's error is O-1.
  const caffe = { dtype: "float32", u: 2 ** -24, k: 4, once: false, division: 1, eta: 2 ** -149 } as const;
  const given = { mean: bounds.globalBound(caffe, stats.mean), variance: bounds.globalBound(caffe, stats.variance) };
  const theirs = foldedBound(runtimePrecision("float32"), data, g, stats, norm.eps, affine, null);
  const normalized = oracle.normalize(data, g, stats, norm.eps, null);
  const scaled = bounds.scaleBound(caffe, normalized, g, affine);
  const own = bounds.normalizeBound(caffe, data, g, stats, norm.eps, affine, given);
  const bound = own.map((value, i) => value + (scaled[i] as number) + (theirs[i] as number));
  const top = (NETWORK.tops[`scale${k}`] as Values).data;
  const found = compare(`scale${k}`, outputs.get("Y")?.data as Float32Array, top, bound, g);
  expect(found.ratio, JSON.stringify(found)).toBeLessThanOrEqual(1);
});
