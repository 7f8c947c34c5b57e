// Usage: node test/convert-fuzz.ts [mutations] [seed]. Converts nets of one layer with a random change. Each must be
// refused with a typed error, or become a model that ONNX Runtime runs and whose outputs have the shapes and values of
// Caffe's formulas.
import { pathToFileURL } from "node:url";
import {
  type CaffeFile,
  type ConvertedNet,
  convertNet,
  type Network,
  openNetwork,
  readNet,
  readWeights,
  writeWeights,
} from "@bn/caffe";
import { random } from "@bn/conformance";
import { runModel } from "@bn/onnx/verify";
import { worstRatio } from "./compare.ts";
import { ANSWERS, type Answer, CASES, type Case, filesOf, textOf } from "./opencv/cases.ts";
import { exactly, type Tensor } from "./reference/bounded.ts";
import { blobsOf, runNetwork } from "./reference/network.ts";

/** Beyond this size, only the conversion of a mutation is checked. */
const MAX_VALUES = 50_000;
const NUMBERS = ["0", "1", "2", "3", "4", "7", "-1", "-2", "0.5", "1e9", "4294967295"];

type Pick = <T>(from: readonly T[]) => T;

/** The values of an input. */
interface Fed {
  readonly blob: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface Tally {
  refused: number;
  ran: number;
  large: number;
}

/** Changes, removes or repeats one field of the layer, or changes its type or the size of an input. */
function mutateText(text: string, pick: Pick): string {
  const fields = [...text.matchAll(/(\w+): ?("[^"]*"|[\w.+-]+)/g)];
  const [whole, name, value = ""] = pick(fields);
  const other = value.startsWith('"') ? `"${pick(CASES).layer.match(/type: "(\w+)"/)?.[1]}"` : pick(NUMBERS);
  const changed = pick([`${name}: ${other}`, `${name}: ${other}`, `${name}: ${other}`, "", `${whole} ${whole}`]);
  return text.replace(whole, changed);
}

function mutateWeights(weights: CaffeFile, pick: Pick): CaffeFile {
  const bytes = writeWeights(weights);
  const places = Array.from({ length: bytes.length }, (_, i) => i);
  const at = pick(places);
  if (pick([true, false])) return readWeights(bytes.subarray(0, at));
  bytes[at] = pick([0, 1, 2, 4, 127, 255]);
  return readWeights(bytes);
}

/** Runs `count` mutations. Throws at the first that is neither refused nor right. */
export async function fuzzConversion(count: number, seed: string): Promise<Tally> {
  const { uniform } = random(seed);
  const pick: Pick = (from) => from[Math.floor(uniform() * from.length)] as (typeof from)[number];
  const tally: Tally = { refused: 0, ran: 0, large: 0 };
  for (let n = 0; n < count; n++) {
    const one = pick(CASES);
    let text = textOf(one);
    for (let k = pick([1, 1, 2, 3]); k > 0; k--) text = mutateText(text, pick);
    const opset = pick([9, 10, 11, 13, 18, 22]);
    try {
      await judge(one, text, opset, pick, tally);
    } catch (error) {
      throw new Error(`mutation ${n} of seed ${seed}, opset ${opset}: ${(error as Error).message}\n${text}`, {
        cause: error,
      });
    }
  }
  return tally;
}

async function judge(one: Case, text: string, opset: number, pick: Pick, tally: Tally): Promise<void> {
  let converted: ConvertedNet;
  let files: { net: CaffeFile; weights: CaffeFile };
  try {
    const { weights } = filesOf(one);
    files = { net: readNet(text), weights: pick([0, 0, 0, 1]) === 1 ? mutateWeights(weights, pick) : weights };
    converted = convertNet({ ...files, opset });
  } catch (error) {
    if (!String((error as { code?: string }).code).startsWith("ERR_BN_")) throw error;
    tally.refused++;
    return;
  }
  const sizes = [...converted.inputs, ...converted.tops].map(({ shape }) => shape.reduce((a, b) => a * b, 1));
  if (sizes.some((size) => size > MAX_VALUES) || converted.bytes.length > 10 * MAX_VALUES) {
    tally.large++;
    return;
  }
  const { inputs } = ANSWERS[one.name] as Answer;
  const data = (blob: string, count: number) =>
    Float32Array.from({ length: count }, (_, i) => inputs[blob]?.data[i] ?? Math.sin(i));
  const fed = converted.inputs.map(({ blob, tensor, shape }) => {
    return {
      blob,
      tensor,
      shape,
      data: data(
        blob,
        shape.reduce((a, b) => a * b, 1),
      ),
    };
  });
  const feeds = fed.map(({ tensor, shape, data }) => [tensor, { type: "float32", shape, data }] as const);
  const got = await runModel(converted.bytes, Object.fromEntries(feeds));
  const network = openNetwork(files);
  // A weight that is not finite is multiplied by the zeros of padding. That gives NaN in Caffe and in ONNX Runtime, but
  // has no effect in the formulas.
  const finite = network.layers.every((layer) => blobsOf(layer).every(({ value }) => value.every(Number.isFinite)));
  const values = runNetwork(network, referenceInputs(network, fed));
  for (const { blob, tensor, shape } of converted.outputs) {
    const found = got.get(tensor);
    const layer = network.layers.findLast(({ tops }) => tops.includes(blob));
    const expected = values.get(`${layer?.index}.${layer?.tops.lastIndexOf(blob)}`) as Tensor;
    if (String(found?.shape) !== String(shape) || String(shape) !== String(expected.shape)) {
      throw new Error(`"${blob}" is declared [${shape}], gives [${found?.shape}], Caffe's is [${expected.shape}]`);
    }
    if (!finite) continue;
    const { ratio, text: what } = worstRatio(found?.data as Float32Array, expected);
    if (!(ratio <= 1)) throw new Error(`"${blob}" ${what}`);
  }
  tally.ran++;
}

/**
 * Inputs that no layer reads, or of which only the shape is read (like the second bottom of Crop), are not inputs of
 * the model.
 */
function referenceInputs(network: Network, fed: readonly Fed[]): Record<string, Tensor> {
  const given = fed.map(({ blob, shape, data }) => [blob, exactly(shape, data)] as const);
  const declared = network.layers.flatMap(({ param, tops }) => {
    const shape = (param.inputParam?.shape[0]?.dim ?? []).map((size) => Math.max(0, Number(size)));
    return tops.map((blob) => [blob, exactly(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)))] as const);
  });
  return Object.fromEntries([...declared, ...given]);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [count = "10000", seed = "bn"] = process.argv.slice(2);
  const { refused, ran, large } = await fuzzConversion(Number(count), seed);
  console.log(
    `${count} mutations of seed ${seed}: ${refused} refused, ${ran} ran and are right, ${large} too large to run`,
  );
}
