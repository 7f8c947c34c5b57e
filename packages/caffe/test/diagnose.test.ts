import { expect, test } from "vitest";
import { type CaffeFile, decodeBlob, encodeBlob, importNet, readNet, readWeights } from "../src/index.ts";
import { bytesOf, textOf } from "./files.ts";
import { BATCH_NORM, type Made, netOf, SCALE } from "./nets.ts";

const said = (options: Parameters<typeof importNet>[0]) =>
  importNet(options).diagnostics.map(({ kind, message }) => `${kind}: ${message}`);
/** The messages about a net of one BatchNorm with a Scale. */
const ofBlobs = (blobs: Made["blobs"], text = BATCH_NORM) =>
  said({
    net: netOf([
      { name: "bn", text, blobs: blobs ?? [] },
      {
        name: "sc",
        text: SCALE,
        blobs: [
          [1, 1],
          [0, 0],
        ],
      },
    ]),
  });

const NORM = 'made.prototxt:2:7: layer "bn" (BatchNorm): ';

test("a sound layer is passed over in silence", () => {
  expect(ofBlobs([[2, 4], [6, 8], [2]])).toEqual([]);
});

test.each<[string, Made["blobs"], string]>([
  ["untrained", [[0, 0], [0, 0], [0]], "factor and statistics are 0: the layer is untrained, and gives x / sqrt(eps)"],
  [
    "negative",
    [[0, 0], [1, -4], [2]],
    "variance is negative, and the output is NaN where variance + eps is negative (1 of 2 channels, the first 1: -2.00)",
  ],
  [
    "zero",
    [[0, 0], [0, 4], [2]],
    "variance is 0: the channel was constant, or its statistics were never computed (1 of 2 channels, the first 0: 0.00)",
  ],
  [
    "subnormal",
    [[0, 0], [2 ** -130, 4], [2]],
    "variance is subnormal: the channel is always 0, or a decayed sum has faded out; hardware may treat it as 0 (1 of 2 channels, the first 0: 3.67e-40)",
  ],
  ["subnormal once divided", [[0, 0], [2 ** -120, 4], [1000]], "variance is subnormal"],
  ["not finite", [[Number.NaN, 0], [1, 4], [2]], "mean is not finite (1 of 2 channels, the first 0: NaN)"],
  ["factor", [[0, 0], [1, 4], [-2]], "factor is -2, expected a finite number, 0 or more"],
])("%s", (_, blobs, message) => {
  const found = ofBlobs(blobs);
  expect(found.some((one) => one.startsWith(`suspect: ${NORM}${message}`))).toBe(true);
});

test("eps 0", () => {
  expect(ofBlobs([[2, 4], [6, 8], [2]], `${BATCH_NORM} batch_norm_param { eps: 0 }`)).toEqual([
    `suspect: ${NORM}eps is 0, so a constant channel gives NaN`,
  ]);
});

test("BatchNorm without Scale, Scale without bias", () => {
  expect(said({ net: netOf([{ name: "bn", text: BATCH_NORM, blobs: [[2, 4], [6, 8], [2]] }]) })).toEqual([
    `assumed: ${NORM}no Scale follows it, so gamma is 1 and beta is 0`,
  ]);
  const scale = { name: "sc", text: 'type: "Scale" bottom: "x" top: "x"', blobs: [[1, 1]] };
  expect(said({ net: netOf([scale]) })).toEqual([
    'assumed: made.prototxt:2:7: layer "sc" (Scale): the Scale has no bias, so beta is 0',
  ]);
});

test("param of BatchNorm that would learn statistics", () => {
  const text = (specs: string[]) => `${BATCH_NORM} ${specs.map((spec) => `param { ${spec} }`).join(" ")}`;
  const three = ofBlobs([[2, 4], [6, 8], [2]], text(["lr_mult: 1", "lr_mult: 0", "lr_mult: 0"]));
  expect(three).toEqual([
    `suspect: ${NORM}param 0 has lr_mult 1, but statistics are not learned by gradients, so it must be 0; Caffe treats all three as 0`,
  ]);
  const two = ofBlobs([[2, 4], [6, 8], [2]], text(["lr_mult: 0", "decay_mult: 0"]));
  expect(two).toEqual([
    `suspect: ${NORM}param 1 has lr_mult 1, but statistics are not learned by gradients, so it must be 0: with 2 of them Caffe refuses the net`,
  ]);
  expect(ofBlobs([[2, 4], [6, 8], [2]], text(["lr_mult: 0", "lr_mult: 0", "lr_mult: 0"]))).toEqual([]);
});

test("eps and fraction other than where the weights were trained", () => {
  const made = (param: string): CaffeFile =>
    netOf([
      { name: "bn", text: `${BATCH_NORM} batch_norm_param { ${param} }`, blobs: [[2, 4], [6, 8], [2]] },
      {
        name: "sc",
        text: SCALE,
        blobs: [
          [1, 1],
          [0, 0],
        ],
      },
    ]);
  const net = made("eps: 1e-3");
  for (const layer of net.message.layer) layer.blobs = [];
  expect(said({ net, weights: made("moving_average_fraction: 0.9") })).toEqual([
    `suspect: ${NORM}eps is 0.001, and 0.00001 where the weights were trained`,
    `suspect: ${NORM}moving_average_fraction is 0.999, and 0.9 where the weights were trained`,
  ]);
});

test("weights of another net", () => {
  const read = (name: string) => ({
    net: readNet(textOf(`nets/${name}/deploy.prototxt`), { file: "deploy.prototxt" }),
    weights: readWeights(bytesOf(`nets/${name}/trained.caffemodel`), { file: "trained.caffemodel" }),
  });
  const mixed = said({ net: read("ip_bn_scale").net, weights: read("multi_bn_eps").weights });
  expect(mixed.join("\n")).toMatch(
    /its bottom has 8 channels, and its blobs have 3; the weights may belong to another net/,
  );
  expect(mixed.join("\n")).toMatch(
    /trained\.caffemodel has 8 layers with blobs that the net has no layer for: "conv1", "conv2"/,
  );
  const alien = netOf([{ name: "alien", text: BATCH_NORM, blobs: [[1, 2], [3, 4], [1]] }]);
  expect(() => importNet({ net: read("ip_bn_scale").net, weights: alien })).toThrow(
    expect.objectContaining({
      code: "ERR_BN_DATA",
      message:
        'made.prototxt: none of its 1 layers with weights ("alien", ...) is in deploy.prototxt; the weights may belong to another net',
    }),
  );
});

test("blobs that the weights lack, and a name that two layers have", () => {
  const net = netOf([
    { name: "bn", text: BATCH_NORM },
    { name: "bn", text: BATCH_NORM },
    { name: "sc", text: SCALE },
  ]);
  const weights = netOf([{ name: "bn", text: BATCH_NORM, blobs: [[2, 4], [6, 8], [2]] }]);
  const found = said({ net, weights });
  expect(found.filter((one) => one.includes("the weights have no blobs for it"))).toHaveLength(1);
  expect(found.join("\n")).toContain("an earlier layer has the same name, and gets the weights");
  expect(found.join("\n")).toContain(
    'layer "sc" (Scale): 0 blobs (), expected 2, as bias_term is true; the weights may belong to another net',
  );
});

test("parameters that layers share by name are told, each with its role", () => {
  const shared = (names: string[]) => names.map((name) => `param { name: "${name}" lr_mult: 0 }`).join(" ");
  const text = (top: string) => `type: "BatchNorm" bottom: "x" top: "${top}" ${shared(["m", "v", "f"])}`;
  const blobs = [[2, 4], [6, 8], [2]];
  const { layers, diagnostics } = importNet({
    net: netOf([
      { name: "a", text: text("y"), blobs },
      { name: "b", text: text("z"), blobs },
    ]),
  });
  expect(layers[0]?.caffe.shared).toEqual([
    { parameter: "m", role: "mean", others: [{ layer: "b", blob: 0 }] },
    { parameter: "v", role: "variance", others: [{ layer: "b", blob: 1 }] },
    { parameter: "f", role: "factor", others: [{ layer: "b", blob: 2 }] },
  ]);
  expect(diagnostics.map(({ message }) => message).join("\n")).toContain(
    'its mean is parameter "m", which layer "b" (blob 0) also uses: they share one blob',
  );
});

/** landmark106 with changed statistics. */
function altered(change: (data: Float32Array, blob: number) => void): string[] {
  const path = "models/landmark106/landmark106";
  const weights = readWeights(bytesOf(`${path}.caffemodel`), { file: "landmark106.caffemodel" });
  for (const layer of weights.message.layer) {
    if (layer.type !== "BatchNorm") continue;
    layer.blobs = layer.blobs.map((bytes, blob) => rewritten(bytes, (data) => change(data, blob)));
  }
  return said({ weights });
}

function rewritten(bytes: Uint8Array, change: (data: Float32Array) => void): Uint8Array {
  const blob = decodeBlob(bytes);
  const data = Float32Array.from(blob.data);
  change(data);
  return encodeBlob({ ...blob, data });
}

const each = (data: Float32Array, next: (value: number) => number) => data.set(data.map(next));

test("a real network whose variances are standard deviations is found out, and so are inverses", () => {
  expect(altered(() => {})).toEqual([]);
  const stds = altered((data, blob) => {
    if (blob === 1) each(data, Math.sqrt);
  });
  expect(stds).toEqual([
    expect.stringMatching(
      /^suspect: landmark106\.caffemodel: the variances look like standard deviations: over \d+ channels they grow with power 0\.5\d \+- 0\.01/,
    ),
  ]);
  const inverse = altered((data, blob) => {
    if (blob === 1) each(data, (value) => 1 / Math.sqrt(value));
  });
  expect(inverse).toEqual([expect.stringContaining("the variances look like 1 / standard deviation")]);
});

test("a real network whose statistics were divided already, and whose factor was not, is found out", () => {
  const [found, ...rest] = altered((data, blob) => {
    if (blob === 2) each(data, () => 999.98);
  });
  expect(rest).toEqual([]);
  expect(found).toMatch(
    /^suspect: landmark106\.caffemodel: the statistics look divided already: divided by their factor \(1000\) the variances are 0\.0002/,
  );
  // Sums that are divided by that factor are right.
  expect(altered((data) => each(data, (value) => value * 999.98))).toEqual([]);
});
