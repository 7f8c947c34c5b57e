import { convertNet, openNetwork, readNet, readWeights } from "@bn/caffe";
import { runModel } from "@bn/onnx/verify";
import { describe, expect, test } from "vitest";
import { worstRatio } from "./compare.ts";
import { bytesOf, type Tensor as Stored, textOf, valuesOf } from "./files.ts";
import { exactly, type Tensor } from "./reference/bounded.ts";
import { runNetwork } from "./reference/network.ts";

interface TestRun {
  readonly input: Stored;
  readonly output: Stored;
  readonly layer_tops?: Readonly<Record<string, Stored>>;
}

interface NetFile {
  readonly test_trained?: readonly TestRun[];
  readonly test_untrained?: readonly TestRun[];
}

const NETS = ["bn_no_scale", "conv_bn_scale_relu_ip", "double_conv_bn_scale", "ip_bn_scale", "multi_bn_eps"];

/** Caffe's own inputs and outputs of a net. */
const runsOf = (net: string) => JSON.parse(textOf(`nets/${net}/net.json`)) as NetFile;

function open(net: string, weights: string, prototxt = "deploy.prototxt") {
  const path = `nets/${net}`;
  return {
    net: readNet(textOf(`${path}/${prototxt}`), { file: prototxt }),
    weights: readWeights(bytesOf(`${path}/${weights}`), { file: weights }),
  };
}

/** The output of a net with one input: in ONNX Runtime, and in float64 with the bound for a float32 run. */
async function runBoth(files: ReturnType<typeof open>, { data, exact }: ReturnType<typeof asFloats>) {
  const converted = convertNet(files);
  const [input, output] = [converted.inputs[0], converted.outputs[0]];
  const got = await runModel(converted.bytes, { [input?.tensor ?? ""]: { type: "float32", shape: exact.shape, data } });
  const network = openNetwork(files);
  const values = runNetwork(network, { [input?.blob ?? ""]: exact });
  const last = network.outputs.at(-1);
  const expected = values.get(`${last?.layer}.${last?.top}`) as Tensor;
  return { expected, got: got.get(output?.tensor ?? "")?.data as Float32Array };
}

/** A net of doubles read its input as doubles. Rounded to float32 it is another input, which changes the result. */
function asFloats(net: string, stored: Stored): { data: Float32Array; exact: Tensor } {
  const values = valuesOf(net, stored);
  const data = Float32Array.from(values);
  const exact = exactly(stored.shape, data);
  for (const [i, value] of values.entries()) exact.error[i] = Math.abs(value - (data[i] as number));
  return { data, exact };
}

const within = (got: ArrayLike<number>, expected: Tensor) => {
  const { ratio, text } = worstRatio(got, expected);
  expect(ratio, text).toBeLessThanOrEqual(1);
};

describe.each(NETS)("%s", (net) => {
  for (const kind of ["test_trained", "test_untrained"] as const) {
    for (const [i, run] of (runsOf(net)[kind] ?? []).entries()) {
      test(`${kind} ${i}: ONNX Runtime and Caffe within the bound of float64`, async () => {
        const weights = kind === "test_trained" ? "trained.caffemodel" : "init.caffemodel";
        const { expected, got } = await runBoth(open(net, weights), asFloats(net, run.input));
        within(got, expected);
        within(valuesOf(net, run.output), expected);
      });
    }
  }
});

test("doubles that are rounded are told of, and kept where that is asked for", () => {
  const files = open("double_conv_bn_scale", "trained.caffemodel");
  expect(convertNet(files).diagnostics.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^the weights of "conv1", "bn1", "fc" are float64, and are rounded to float32/),
  ]);
  const exact = convertNet({ ...files, dtype: "float64" });
  expect(exact.diagnostics).toEqual([]);
  expect(exact.norms.get("bn1")?.statistics.mean).toBeInstanceOf(Float64Array);
});

describe("other forms of the same files", () => {
  const net = "conv_bn_scale_relu_ip";
  const modelOf = (weights: string) => convertNet(open(net, weights)).bytes;

  test.each(["legacy4d", "with_diff", "unpacked", "double_data", "extra_layer"])("%s gives the same model", (name) => {
    expect(Buffer.compare(modelOf(`${name}.caffemodel`), modelOf("trained.caffemodel"))).toBe(0);
  });

  test("sums and factor times 1000 are the same statistics, except for their roundings", async () => {
    const [run] = runsOf(net).test_trained ?? [];
    if (!run) throw new Error("no run");
    const { expected, got } = await runBoth(open(net, "scale_factor_1000.caffemodel"), asFloats(net, run.input));
    within(got, expected);
    within(valuesOf(net, run.output), expected);
  });

  test("a net of 2013, and what Caffe made of it", async () => {
    const v1 = "v1_conv_relu_ip";
    const models: Uint8Array[] = [];
    for (const prototxt of ["deploy_v1.prototxt", "deploy_upgraded.prototxt"]) {
      for (const weights of ["v1.caffemodel", "v1_upgraded.caffemodel"]) {
        const files = open(v1, weights, prototxt);
        models.push(convertNet(files).bytes);
        for (const run of runsOf(v1).test_trained ?? []) {
          const { expected, got } = await runBoth(files, asFloats(v1, run.input));
          within(got, expected);
          within(valuesOf(v1, run.output), expected);
        }
      }
    }
    expect(models.map((bytes) => Buffer.compare(bytes, models[0] as Uint8Array))).toEqual([0, 0, 0, 0]);
  });
});
