import { type Random, random } from "@bn/conformance";
import type { Backend } from "@bn/core";
import { create, equals } from "@bufbuild/protobuf";
import {
  BatchNormParameterSchema,
  type CaffeFile,
  convertNet,
  createLayers,
  encodeBlob,
  importNet,
  type LayerParameter,
  NetParameterSchema,
  ParamSpecSchema,
  readNet,
  readWeights,
  ScaleParameterSchema,
  upgradeNet,
  writeNet,
  writeWeights,
} from "../src/index.ts";
import { bytesOf, textOf } from "./files.ts";

/** The fuzz starts from these small files of every form. */
const WEIGHTS = [
  ...["trained", "legacy4d", "unpacked", "with_diff", "double_data", "extra_layer"].map(
    (name) => `conv_bn_scale_relu_ip/${name}`,
  ),
  "bn_no_scale/init",
  "multi_bn_eps/trained",
  "ip_bn_scale/trained",
  "double_conv_bn_scale/trained",
  "v1_conv_relu_ip/v1",
].map((path) => bytesOf(`nets/${path}.caffemodel`));

const V0 = `input: "data" input_dim: 1 input_dim: 2 input_dim: 4 input_dim: 4
layers { layer { name: "p" type: "padding" pad: 1 } bottom: "data" top: "p" }
layers { layer { name: "c" type: "conv" num_output: 2 kernelsize: 3 blobs { num: 2 channels: 2 height: 1 width: 1 data: [1, 2, 3, 4] } } bottom: "p" top: "c" }`;
const NETS = [
  "bn_no_scale/deploy",
  "conv_bn_scale_relu_ip/train_oldstyle_params",
  "conv_bn_scale_relu_ip/deploy",
  "multi_bn_eps/deploy",
  "multi_bn_eps/train",
  "v1_conv_relu_ip/deploy_v1",
].map((path) => textOf(`nets/${path}.prototxt`));
const TEXTS = [...NETS, V0, writeNet(readWeights(bytesOf("nets/bn_no_scale/trained.caffemodel")))];

type Mutation = (bytes: Uint8Array, dice: Random) => Uint8Array;

const at = (bytes: Uint8Array, { integer }: Random) => integer(0, Math.max(0, bytes.length - 1));
const pick = <T>(values: readonly T[], dice: Random): T => values[dice.integer(0, values.length - 1)] as T;
const join = (...parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

const MUTATIONS: readonly Mutation[] = [
  function flip(bytes, dice) {
    const i = at(bytes, dice);
    return bytes.with(i, (bytes[i] ?? 0) ^ (1 << dice.integer(0, 7)));
  },
  (bytes, dice) => bytes.with(at(bytes, dice), pick([0, 1, 0x7f, 0x80, 0xff], dice)),
  (bytes, dice) => bytes.slice(0, at(bytes, dice)),
  function cut(bytes, dice) {
    const from = at(bytes, dice);
    return join(bytes.subarray(0, from), bytes.subarray(from + dice.integer(1, 16)));
  },
  function repeat(bytes, dice) {
    const from = at(bytes, dice);
    return join(bytes.subarray(0, from + dice.integer(1, 64)), bytes.subarray(from));
  },
  function gigantic(bytes, dice) {
    // A varint of 2^63 - 1 in a place that may hold a length or a size.
    const i = at(bytes, dice);
    const varint = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f);
    return join(bytes.subarray(0, i), varint, bytes.subarray(i + 1));
  },
];
const splice = (seeds: readonly Uint8Array[]): Mutation =>
  function splice(bytes, dice) {
    const other = pick(seeds, dice);
    return join(bytes.subarray(0, at(bytes, dice)), other.subarray(at(other, dice)));
  };

const WORDS =
  '{ } < > [ ] : , ; - # " \' \\ 0 1 -1 0x 1e999 nan inf 4294967296 9223372036854775807 99999999 "" "x" "conv1" true layer layers layer{ blobs{ shape{ dim: bottom: top: type: name: TEST eps: num_output: kernel_size: stride: pad: axis: group: "BatchNorm" "Scale" "Convolution" "Reshape" include{phase:TEST}'.split(
    " ",
  );

/** Changes of words that the parser accepts, so that they reach the code after it. */
const TEXT_MUTATIONS: readonly ((words: string[], dice: Random) => void)[] = [
  (words, dice) => void words.splice(dice.integer(0, words.length - 1), 1),
  (words, dice) => void words.splice(dice.integer(0, words.length), 0, pick(WORDS, dice)),
  (words, dice) => void words.splice(dice.integer(0, words.length - 1), 1, pick(WORDS, dice)),
  function swap(words, dice) {
    const [a, b] = [dice.integer(0, words.length - 1), dice.integer(0, words.length - 1)];
    [words[a], words[b]] = [words[b] ?? "", words[a] ?? ""];
  },
  function repeat(words, dice) {
    const from = dice.integer(0, words.length - 1);
    words.splice(from, 0, ...words.slice(from, from + dice.integer(1, 30)));
  },
  function number(words, dice) {
    const found = words.flatMap((word, i) => (/^-?[\d.]/.test(word) ? [i] : []));
    if (found.length > 0)
      words[pick(found, dice)] = pick(["0", "-1", "1", "2", "7", "2147483647", "1e-45", "nan"], dice);
  },
  function quoted(words, dice) {
    const found = words.flatMap((word, i) => (word.startsWith('"') ? [i] : []));
    if (found.length > 1) words[pick(found, dice)] = words[pick(found, dice)] ?? "";
  },
];
/** Changes after which a text is still valid. */
const GENTLE = TEXT_MUTATIONS.filter(({ name }) => ["number", "quoted", "repeat"].includes(name));

const TYPES = ["BatchNorm", "Scale", "BN", "Convolution", "ReLU", "Input", "Reshape", "Concat", "Frobnicate", ""];
const NAMES = ["bn1", "scale1", "conv1", "bn2", "data", ""];

/** Changes of the content of a weights file, not of its bytes, so that they get past the decoder. */
const REWRITES: readonly ((layer: LayerParameter, dice: Random, all: readonly LayerParameter[]) => void)[] = [
  (layer, dice) => void Object.assign(layer, { type: pick(TYPES, dice) }),
  (layer, dice) => void Object.assign(layer, { name: pick(NAMES, dice) }),
  (layer, dice) => void layer.bottom.splice(dice.integer(0, 1), 1, pick(NAMES, dice)),
  (layer, dice) => void layer.top.splice(dice.integer(0, 1), 1, pick(NAMES, dice)),
  (layer, dice) => void layer.blobs.splice(dice.integer(0, layer.blobs.length), 1),
  (layer, dice, all) => void layer.blobs.push(...pick(all, dice).blobs),
  (layer, dice, all) => void Object.assign(layer, { blobs: pick(all, dice).blobs }),
  (layer) => void layer.blobs.reverse(),
  function inside(layer, dice) {
    const i = dice.integer(0, Math.max(0, layer.blobs.length - 1));
    const blob = layer.blobs[i];
    if (blob && blob.length > 0) layer.blobs = layer.blobs.with(i, pick(MUTATIONS, dice)(blob, dice));
  },
  function values(layer, dice) {
    const value = pick([0, -1, 1e-45, 1e30, Number.NaN, Number.POSITIVE_INFINITY], dice);
    const shape = pick([[1], [3], [4], [1, 4, 1, 1], [], [0], [2, 2]], dice);
    const count = shape.reduce((product, size) => product * size, 1);
    layer.blobs[dice.integer(0, layer.blobs.length)] = encodeBlob({ shape, data: new Float32Array(count).fill(value) });
  },
  function param(layer, dice) {
    const eps = pick([0, -1, Number.NaN, 1e30, 1e-45], dice);
    layer.batchNormParam = create(BatchNormParameterSchema, { eps, useGlobalStats: dice.uniform() < 0.5 });
    layer.scaleParam = create(ScaleParameterSchema, { axis: dice.integer(-5, 5), numAxes: dice.integer(-3, 5) });
    layer.param = [create(ParamSpecSchema, { name: pick(NAMES, dice), lrMult: dice.integer(0, 1) })];
  },
];

export type Format = "binary" | "text";

/** The `n`th mutated file of a seed. It is the same on every machine. */
export function mutated(format: Format, seed: string, n: number): Uint8Array {
  const dice = random(`${format}/${seed}/${n}`);
  const seeds = format === "binary" ? WEIGHTS : TEXTS.map((text) => new TextEncoder().encode(text));
  let bytes = pick(seeds, dice);
  const count = dice.integer(1, 3);
  if (format === "binary" && dice.uniform() < 0.6) {
    const file = readWeights(bytes);
    const { layer } = file.message;
    for (let k = 0; k < count && layer.length > 0; k++) pick(REWRITES, dice)(pick(layer, dice), dice, layer);
    for (const one of layer) one.blobs = one.blobs.filter((blob) => blob !== undefined);
    return writeWeights(file);
  }
  if (format === "text" && dice.uniform() < 0.7) {
    const words = new TextDecoder().decode(bytes).split(/\s+/);
    const kinds = dice.uniform() < 0.6 ? GENTLE : TEXT_MUTATIONS;
    for (let k = 0; k < count; k++) pick(kinds, dice)(words, dice);
    return new TextEncoder().encode(words.join(" "));
  }
  for (let k = 0; k < count && bytes.length > 0; k++) bytes = pick([...MUTATIONS, splice(seeds)], dice)(bytes, dice);
  return bytes;
}

const WHOLE = readWeights(bytesOf("nets/multi_bn_eps/trained.caffemodel"), { file: "whole" });
const DEPLOY = readNet(textOf("nets/multi_bn_eps/deploy.prototxt"), { file: "deploy" });

/**
 * The outcome for one file: "refused" with a typed error, "read", or also "converted". Throws for any other outcome:
 * another error, or a file that is written differently from how it was read.
 */
export function survive(format: Format, bytes: Uint8Array, backend: Backend): "refused" | "read" | "converted" {
  const file = typed(() =>
    format === "binary" ? readWeights(bytes) : readNet(new TextDecoder().decode(bytes), { file: "fuzz" }),
  );
  if (!file) return "refused";
  const again = format === "binary" ? readWeights(writeWeights(file)) : readNet(writeNet(file));
  // A message with NaN is not equal to itself, so the second encodings are compared.
  if (
    !equals(NetParameterSchema, again.message, file.message) &&
    writtenOf(format, again) !== writtenOf(format, file)
  ) {
    throw new Error("it is written as another file");
  }
  typed(() => upgradeNet(file));
  const pairs =
    format === "binary"
      ? [{ weights: file }, { net: DEPLOY, weights: file }]
      : [{ net: file }, { net: file, weights: WHOLE }];
  for (const pair of pairs) {
    const imported = typed(() => importNet(pair));
    for (const record of imported?.layers ?? []) createLayers(backend, { ...record, phase: "test" }).dispose();
  }
  const converted = typed(() =>
    convertNet(format === "binary" ? { net: DEPLOY, weights: file } : { net: file, weights: WHOLE }),
  );
  return converted ? "converted" : "read";
}

function writtenOf(format: Format, file: CaffeFile): string {
  return format === "binary" ? Buffer.from(writeWeights(file)).toString("hex") : writeNet(file);
}

/** Only ERR_BN_DATA may be thrown for an untrusted file. */
function typed<T>(run: () => T): T | null {
  try {
    return run();
  } catch (error) {
    const { name, code } = error as { name?: string; code?: string };
    if (name === "BnError" && code === "ERR_BN_DATA") return null;
    throw error;
  }
}
