import { type Random, random } from "@bn/conformance";
import type { Backend } from "@bn/core";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ModelProto, ModelProtoSchema } from "onnx-buf";
import { buildModel, createLayer, importModel, type LayerRecord } from "../src/index.ts";
import { type Runtime, verifyModel } from "../src/verify/index.ts";
import { altered, NODE, nested, record } from "./network.ts";

const SCALE: LayerRecord = {
  type: "Scale",
  name: "",
  dtype: "float32",
  channels: 3,
  statistics: null,
  axis: 1,
  phase: "test",
  parameterShape: [3],
  gamma: NODE.mean,
  beta: NODE.bias,
  source: { format: "blobs", nodes: [], where: "" },
};

/** Small models of every kind, from which the fuzz starts. */
export const SEEDS: readonly Uint8Array[] = [
  buildModel(record(NODE), { shape: [2, 3, 4, 5] }),
  buildModel(record(NODE), { shape: [2, 3, 2], opset: 6 }),
  buildModel(record(NODE), { shape: [2, 3], opset: 9 }),
  buildModel([record(NODE), SCALE], {
    shape: [1, 3, 2],
    opset: 1,
  }),
  buildModel(record(NODE), { shape: [2, 3, 2], training: true }),
  nested(true),
  altered(({ graph }) =>
    Object.assign(graph?.initializer[0] ?? {}, { dataType: 10, dims: [3n], rawData: new Uint8Array(6) }),
  ),
  altered(({ graph }) =>
    Object.assign(graph?.initializer[0] ?? {}, { rawData: new Uint8Array(), floatData: [1, 2, 3] }),
  ),
  altered(({ graph }) =>
    Object.assign(graph?.initializer[0] ?? {}, {
      rawData: new Uint8Array(),
      dataLocation: 1,
      externalData: [{ key: "location", value: "weights.bin", $typeName: "onnx.StringStringEntryProto" }],
    }),
  ),
];

type Mutation = (bytes: Uint8Array, dice: Random) => Uint8Array;

const at = (bytes: Uint8Array, { integer }: Random) => integer(0, Math.max(0, bytes.length - 1));
const SPECIAL = [0, 1, 0x7f, 0x80, 0xff];

const MUTATIONS: readonly Mutation[] = [
  function flip(bytes, dice) {
    const i = at(bytes, dice);
    bytes[i] = (bytes[i] ?? 0) ^ (1 << dice.integer(0, 7));
    return bytes;
  },
  function set(bytes, dice) {
    bytes[at(bytes, dice)] = SPECIAL[dice.integer(0, SPECIAL.length - 1)] ?? 0;
    return bytes;
  },
  function truncate(bytes, dice) {
    return bytes.slice(0, at(bytes, dice));
  },
  function cut(bytes, dice) {
    const [from, length] = [at(bytes, dice), dice.integer(1, 16)];
    return join(bytes.subarray(0, from), bytes.subarray(from + length));
  },
  function repeat(bytes, dice) {
    const [from, length] = [at(bytes, dice), dice.integer(1, 64)];
    return join(bytes.subarray(0, from + length), bytes.subarray(from));
  },
  function splice(bytes, dice) {
    const other = SEEDS[dice.integer(0, SEEDS.length - 1)] as Uint8Array;
    return join(bytes.subarray(0, at(bytes, dice)), other.subarray(at(other, dice)));
  },
  function gigantic(bytes, dice) {
    // A varint of 2^63 or more, at a place that may be a length or a dimension.
    const i = at(bytes, dice);
    return join(
      bytes.subarray(0, i),
      Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
      bytes.subarray(i + 1),
    );
  },
];

const NAMES = ["X", "Y", "scale", "B", "mean", "var", "condition", "nothing", ""];
const OPS = ["Identity", "Constant", "If", "Relu", "Mul", "Reshape", "Cast", "PRelu", "BatchNormalization", "Loop"];
const DIMS = [-1n, 0n, 1n, 2n, 3n, 4n, 2n ** 31n, 2n ** 62n];

/** Changes to the content of the file, not to its bytes, which get past the decoder. */
const REWRITES: readonly ((model: ModelProto, dice: Random) => void)[] = [
  function type({ graph }, dice) {
    for (const tensor of one(graph?.initializer, dice)) tensor.dataType = dice.integer(0, 23);
  },
  function dims({ graph }, dice) {
    for (const tensor of one(graph?.initializer, dice))
      tensor.dims = Array.from({ length: dice.integer(0, 4) }, () => pick(DIMS, dice));
  },
  function data({ graph }, dice) {
    for (const tensor of one(graph?.initializer, dice))
      tensor.rawData = Uint8Array.from({ length: pick([12, 12, 12, 0, 8, 24], dice) }, () => dice.integer(0, 255));
  },
  function input({ graph }, dice) {
    for (const node of one(graph?.node, dice)) node.input[dice.integer(0, node.input.length)] = pick(NAMES, dice);
  },
  function output({ graph }, dice) {
    for (const node of one(graph?.node, dice)) node.output[dice.integer(0, node.output.length)] = pick(NAMES, dice);
  },
  function operator({ graph }, dice) {
    for (const node of one(graph?.node, dice)) node.opType = pick(OPS, dice);
  },
  function attribute({ graph }, dice) {
    for (const node of one(graph?.node, dice)) {
      for (const attribute of one(node.attribute, dice)) {
        attribute.f = pick([0, -1, 1e-5, Number.NaN, Number.POSITIVE_INFINITY, 3e38], dice);
        attribute.i = pick(DIMS, dice);
        attribute.name = pick(["epsilon", "momentum", "spatial", "is_test", "training_mode", "value", "axis"], dice);
      }
    }
  },
  function shape({ graph }, dice) {
    for (const { type } of one(graph?.input, dice)) {
      const dims = type?.value.case === "tensorType" ? type.value.value.shape?.dim : undefined;
      for (const dim of one(dims, dice)) dim.value = { case: "dimValue", value: pick(DIMS, dice) };
    }
  },
  function opset(model, dice) {
    for (const entry of model.opsetImport) entry.version = pick([0n, 1n, 5n, 6n, 7n, 9n, 14n, 15n, 2n ** 62n], dice);
  },
  function drop({ graph }, dice) {
    graph?.initializer.splice(dice.integer(0, 4), 1);
  },
];

function pick<T>(values: readonly T[], dice: Random): T {
  return values[dice.integer(0, values.length - 1)] as T;
}

/** One of the values, or undefined if there are none. */
function one<T>(values: readonly T[] | undefined, dice: Random): readonly T[] {
  return values && values.length > 0 ? [pick(values, dice)] : [];
}

/** The `n`th mutated model of a seed. It is the same on every machine. */
export function mutated(seed: string, n: number, seeds = SEEDS): Uint8Array {
  const dice = random(`${seed}/${n}`);
  let bytes = (seeds[dice.integer(0, seeds.length - 1)] as Uint8Array).slice();
  if (dice.uniform() < 0.6) {
    const model = fromBinary(ModelProtoSchema, bytes);
    for (let k = dice.integer(1, 3); k > 0; k--) pick(REWRITES, dice)(model, dice);
    bytes = toBinary(ModelProtoSchema, model);
    if (dice.uniform() < 0.7) return bytes;
  }
  for (let k = dice.integer(1, 3); k > 0; k--) {
    if (bytes.length > 0) bytes = pick(MUTATIONS, dice)(bytes, dice) as typeof bytes;
  }
  return bytes;
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}

/** Only these codes may be thrown for an untrusted file. */
const CODES = ["ERR_BN_DATA"];

/**
 * The outcome for one model: "refused" with a typed error, "read", or also "verified". Throws for any other outcome:
 * another error, or a row in which the backend is wrong.
 */
export async function survive(
  bytes: Uint8Array,
  backend: Backend,
  runtime: Runtime,
): Promise<"refused" | "read" | "verified"> {
  const imported = await typed(() => importModel(bytes));
  if (imported) {
    await importModel(bytes, { partial: true }); // finds at least as much as without `partial`
    for (const layer of imported.layers) createLayer(backend, { ...layer, phase: "test" }).dispose();
  }
  const report = await typed(() => verifyModel(bytes, [backend], { runtime }));
  for (const row of report?.rows ?? []) {
    for (const { status, reason } of row.backends) if (status === "failed") throw new Error(`${row.node}: ${reason}`);
  }
  return report ? "verified" : imported ? "read" : "refused";
}

async function typed<T>(run: () => Promise<T>): Promise<T | null> {
  try {
    return await run();
  } catch (error) {
    const { name, code } = error as { name?: string; code?: string };
    if (name === "BnError" && CODES.includes(code ?? "")) return null;
    throw error;
  }
}
