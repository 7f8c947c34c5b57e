import { create } from "@bufbuild/protobuf";
import { type ModelProto, NodeProtoSchema } from "onnx-buf";
import { expect, test } from "vitest";
import { floatAttribute, intAttribute, tensorOf } from "../../src/graph/encode.ts";
import { importModel } from "../../src/index.ts";
import { paddle } from "../paddle.ts";
import { changed, type Planting, plantingsOf } from "./plant.ts";

const NAME = "p2o.BatchNormalization.0";
const NETWORK = "ch_PP-OCRv4_rec_infer";

/** The diagnoses of a real network with a planted mistake, by node. */
async function said(plant: (nodes: Planting[], model: ModelProto) => void): Promise<[node: string, what: string][]> {
  const bytes = changed(await paddle(NETWORK), (model) => plant(plantingsOf(model), model));
  const { diagnostics } = await importModel(bytes);
  return diagnostics
    .filter(({ kind }) => kind === "suspect")
    .map(({ node, message }) => [node, message.replace(/^BatchNormalization "[^"]+": /, "")]);
}

function setFloat({ node }: Planting, name: string, value: number): void {
  node.attribute = [...node.attribute.filter((one) => one.name !== name), floatAttribute(name, value)];
}

const first = (nodes: Planting[]) => nodes[0] as Planting;

test.each(["ch_ppocr_mobile_v2.0_cls_infer", "ch_PP-OCRv4_rec_infer", "ch_PP-OCRv4_det_infer"])(
  "%s: nothing is said",
  async (name) => {
    expect((await importModel(await paddle(name))).diagnostics).toEqual([]);
  },
);

test("PyTorch's momentum", async () => {
  const found = await said((nodes) => {
    for (const one of nodes) setFloat(one, "momentum", 0.1);
  });
  expect(found.length).toBe(6);
  expect(found[0]).toEqual([NAME, expect.stringMatching(/^momentum is 0\.1: this looks like PyTorch's .* here 0\.9;/)]);
});

test("statistics never trained: both, or one of them", async () => {
  const zero = (one: Planting) => one.set(3, one.get(3).fill(0));
  const ones = (one: Planting) => one.set(4, one.get(4).fill(1));
  const all = (...plants: ((one: Planting) => void)[]) =>
    said((nodes) => {
      for (const plant of plants) plant(first(nodes));
    });
  expect(await all(zero, ones)).toEqual([
    [
      NAME,
      expect.stringMatching(/^mean is 0 and var is 1 in all 16 channels: as if the statistics were never trained/),
    ],
  ]);
  expect(await all(zero)).toEqual([[NAME, expect.stringMatching(/^mean is 0 in all 16 channels, and var is not:/)]]);
  expect(await all(ones)).toEqual([[NAME, expect.stringMatching(/^var is 1 in all 16 channels, and mean is not:/)]]);
});

test("epsilon lost: 0, a default among others, another number", async () => {
  expect(await said((nodes) => setFloat(first(nodes), "epsilon", 0))).toEqual([
    [NAME, expect.stringMatching(/^epsilon is 0, so a constant channel gives NaN/)],
    [NAME, expect.stringMatching(/^epsilon is 0, and 0\.00001 in the 5 other nodes: as if it was lost/)],
  ]);
  const others = await said((nodes) => {
    for (const one of nodes.slice(1)) setFloat(one, "epsilon", 1e-3);
    first(nodes).node.attribute = [];
  });
  expect(others).toEqual([
    [NAME, expect.stringMatching(/^epsilon is 0\.00001, and 0\.001 in the 5 other nodes: as if it was lost/)],
  ]);
  expect(await said((nodes) => setFloat(first(nodes), "epsilon", 0.9))).toEqual([
    [NAME, expect.stringMatching(/^epsilon is 0\.9, .* as if another number was written in its place/)],
  ]);
  // The network has two kinds of nodes, as if it were made of two networks.
  const half = await said((nodes) => {
    for (const one of nodes.slice(3)) setFloat(one, "epsilon", 1e-3);
  });
  expect(half).toEqual([]);
});

test("training mode by accident, and on purpose", async () => {
  const train = (read: boolean) => (nodes: Planting[], model: ModelProto) => {
    for (const entry of model.opsetImport) entry.version = 15n;
    const { node } = first(nodes);
    node.attribute.push(intAttribute("training_mode", 1));
    node.output = [node.output[0] ?? "", "running_mean", "running_var"];
    const [output] = model.graph?.output ?? [];
    if (read && output) model.graph?.output.push({ ...output, name: "running_mean" });
  };
  expect(await said(train(false))).toEqual([
    [
      NAME,
      expect.stringMatching(/^is in training mode, and nothing reads its running statistics: as if the network was/),
    ],
  ]);
  expect(await said(train(true))).toEqual([]);
});

test("gamma twice: in a Mul behind, and folded into the convolution before", async () => {
  const mul = await said((nodes, model) => {
    const one = first(nodes);
    const [y = ""] = one.node.output;
    one.node.output = ["@y"];
    model.graph?.initializer.push(tensorOf("@factor", [16, 1, 1], one.get(1)));
    const at = model.graph?.node.indexOf(one.node) ?? 0;
    const node = create(NodeProtoSchema, { opType: "Mul", name: "again", input: ["@factor", "@y"], output: [y] });
    model.graph?.node.splice(at + 1, 0, node);
  });
  expect(mul).toEqual([
    [NAME, expect.stringMatching(/^scale and the Mul behind it, "again", hold the same 16 numbers/)],
  ]);
  const folded = await said((nodes) => {
    const one = first(nodes);
    const [gamma, beta, mean, variance] = [1, 2, 3, 4].map(one.get) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const factor = gamma.map((value, c) => value / Math.sqrt((variance[c] as number) + one.eps));
    one.setBias(beta.map((value, c) => value - (mean[c] as number) * (factor[c] as number)));
  });
  expect(folded).toEqual([
    [
      NAME,
      expect.stringMatching(
        /^the bias of Conv "p2o\.Conv\.0" before it is B - scale mean .* in all 16 channels: as if the node was folded/,
      ),
    ],
  ]);
});

test("statistics of another layer, copied; of one layer that is used twice nothing is said", async () => {
  const copy = (inputs: readonly number[]) => (nodes: Planting[]) => {
    const [, , from, , , to] = nodes as [Planting, Planting, Planting, Planting, Planting, Planting];
    for (const input of inputs) to.set(input, from.get(input));
  };
  expect(await said(copy([3, 4]))).toEqual([
    [
      "p2o.BatchNormalization.5",
      expect.stringMatching(/^mean and var are those of "p2o\.BatchNormalization\.2", bit for bit in all 120 channels/),
    ],
  ]);
  expect(await said(copy([1, 2, 3, 4]))).toEqual([]);
});
