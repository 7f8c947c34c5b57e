import type { Dtype, Shape } from "@bn/core";
import { dataError, type Json, list, member, oneOf, RESTORE, text, wrong } from "./json.ts";
import { layerGeometry, readLayer, readOp, readPhase } from "./layers.ts";
import { DTYPES, type GoldenReader, readFile, readFiles, tensorFile, tensorReader } from "./tensors.ts";
import type { GoldenBackward, GoldenCase, GoldenForward, GoldenLayer, GoldenSet, GoldenStep } from "./types.ts";

const FORMAT = "caffe-bn-golden/1";
type ReadTensor = ReturnType<typeof tensorReader>;

/**
 * Reads a whole folder of golden data and checks every field of it (G-1).
 *
 * Errors: rejects with `ERR_BN_DATA`, naming the file, the case and the tensor, for anything that is missing, truncated
 * or not as goldens/README.md describes.
 */
export async function readGoldens(reader: GoldenReader): Promise<GoldenSet> {
  const root = await readJson(reader, "cases.json");
  const format = member(root, "format");
  if (format.value !== FORMAT) throw wrong(format, `"${FORMAT}"`);
  const order = member(root, "byte_order");
  if (order.value !== "little") throw wrong(order, `"little"`);
  const cases = namedCases(member(root, "cases"));
  const wanted = new Map<string, string>();
  for (const one of cases) collectFiles(one, wanted);
  const tensor = tensorReader(await readFiles(reader, wanted));
  return {
    set: text(member(root, "set")),
    seed: text(member(root, "seed")),
    cases: cases.map((one) => readCase(one, tensor)),
  };
}

async function readJson(reader: GoldenReader, name: string): Promise<Json> {
  const bytes = await readFile(reader, "goldens", name);
  try {
    return { where: `goldens ${name}`, value: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw dataError(`goldens ${name}`, `is no JSON (${why})${RESTORE}`, error);
  }
}

/** The cases, whose names serve as their places in messages. */
function namedCases(json: Json): Json[] {
  const seen = new Set<string>();
  return list(json).map((one) => {
    const name = text(member(one, "name"));
    if (seen.has(name)) throw wrong(member(one, "name"), "a name that no other case has");
    seen.add(name);
    return { where: `goldens cases.json, case "${name}"`, value: one.value };
  });
}

/** Collects every `file` of a case, wherever it occurs, with the first tensor that refers to it. */
function collectFiles(json: Json, wanted: Map<string, string>): void {
  const pending: Json[] = [json];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { where, value } = next;
    if (typeof value !== "object" || value === null) continue;
    if (Object.hasOwn(value, "file")) {
      const name = tensorFile(next);
      if (!wanted.has(name)) wanted.set(name, where);
    }
    for (const [key, inside] of Object.entries(value)) {
      pending.push({ where: Array.isArray(value) ? `${where}[${key}]` : `${where} ${key}`, value: inside });
    }
  }
}

function readCase(json: Json, tensor: ReadTensor): GoldenCase {
  const dtype = oneOf(member(json, "dtype"), DTYPES);
  const phase = readPhase(member(json, "phase"));
  const layers = list(member(json, "layers")).map((layer) => readLayer(layer, phase, dtype, tensor));
  if (layers.length === 0) throw wrong(member(json, "layers"), "at least one layer");
  for (const [i, layer] of layers.entries()) {
    if (i > 0 && layer.numBottoms !== 1)
      throw dataError(`${json.where} layers[${i}]`, `has 2 bottoms, expected 1${RESTORE}`);
  }
  readOp(member(json, "op"), layers);
  let last: GoldenForward | null = null;
  const steps = list(member(json, "steps")).map((step): GoldenStep => {
    const op = member(step, "op");
    if (op.value === "forward") {
      last = readForward(step, layers, dtype, tensor);
      return last;
    }
    if (op.value === "backward") {
      if (last === null) throw dataError(step.where, `is a backward before any forward${RESTORE}`);
      return readBackward(step, layers, dtype, tensor, last);
    }
    if (op.value === "clear_param_diffs") return { op: "clear_param_diffs" };
    throw wrong(op, `"forward", "backward" or "clear_param_diffs"`);
  });
  return { name: text(member(json, "name")), category: text(member(json, "category")), dtype, layers, steps };
}

function readForward(json: Json, layers: readonly GoldenLayer[], dtype: Dtype, tensor: ReadTensor): GoldenForward {
  const first = layers[0] as GoldenLayer;
  const read = (one: Json, shape: Shape) => tensorOf(one, shape, dtype, tensor);
  const inputs = list(member(json, "inputs"), first.numBottoms).map((input) => tensor(input, dtype));
  const shape = (inputs[0] as (typeof inputs)[0]).shape;
  const outputs = list(member(json, "layer_outputs"), layers.length);
  const blobs = list(member(json, "blobs_after"), layers.length);
  return {
    op: "forward",
    inputs,
    tops: outputs.map((output) => read(output, shape)),
    blobs: layers.map(({ initialBlobs }, i) =>
      list(blobs[i] as Json, initialBlobs.length).map((blob, k) =>
        read(blob, (initialBlobs[k] as { shape: Shape }).shape),
      ),
    ),
    geometries: layers.map((layer, i) =>
      layerGeometry(`${json.where} layer ${i}`, layer, shape, i === 0 && inputs[1] ? inputs[1].shape : null),
    ),
  };
}

function readBackward(
  json: Json,
  layers: readonly GoldenLayer[],
  dtype: Dtype,
  tensor: ReadTensor,
  forward: GoldenForward,
): GoldenBackward {
  const read = (one: Json, shape: Shape) => tensorOf(one, shape, dtype, tensor);
  const shape = (forward.inputs[0] as { shape: Shape }).shape;
  const bottoms = list(member(json, "bottom_diffs"), layers.length);
  const params = list(member(json, "param_diffs"), layers.length);
  return {
    op: "backward",
    forward,
    topDiff: read(member(json, "top_diff"), shape),
    bottomDiffs: layers.map(({ numBottoms }, i) =>
      list(bottoms[i] as Json, numBottoms).map((diff, k) =>
        read(diff, k === 0 ? shape : (forward.inputs[1] as { shape: Shape }).shape),
      ),
    ),
    paramDiffs: layers.map(({ type, initialBlobs }, i) =>
      list(params[i] as Json, type === "BatchNorm" ? 0 : initialBlobs.length).map((diff, k) =>
        read(diff, (initialBlobs[k] as { shape: Shape }).shape),
      ),
    ),
  };
}

function tensorOf(json: Json, shape: Shape, dtype: Dtype, tensor: ReadTensor) {
  const found = tensor(json, dtype);
  if (found.shape.length !== shape.length || found.shape.some((dim, i) => dim !== shape[i])) {
    throw wrong(member(json, "shape"), `[${shape.join(", ")}]`);
  }
  return found;
}
