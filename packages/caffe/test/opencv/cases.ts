import { readFileSync } from "node:fs";
import {
  type CaffeFile,
  encodeBlob,
  LayerParameterSchema,
  NetParameterSchema,
  readNet,
  readWeights,
  writeWeights,
} from "@bn/caffe";
import { create } from "@bufbuild/protobuf";

/** A net of one layer, as cases.json describes it. */
export interface Case {
  readonly name: string;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly tops?: readonly string[];
  /** The fields of the layer except its name, bottoms and tops. */
  readonly layer: string;
  /** How OpenCV differs from Caffe here. */
  readonly departs?: string;
}

export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The output of make.py: the values, and OpenCV's results for them, or its error. */
export interface Answer {
  readonly inputs: Readonly<Record<string, Values>>;
  readonly blobs: readonly Values[];
  readonly outputs?: Readonly<Record<string, Values>>;
  readonly refuses?: string;
}

const read = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");

export const CASES = JSON.parse(read("cases.json")) as readonly Case[];

export const ANSWERS = JSON.parse(read("answers.json"), (key, value) => {
  if (key !== "data") return value;
  const bytes = Uint8Array.from(Buffer.from(value, "base64"));
  return new Float32Array(bytes.buffer);
}) as Readonly<Record<string, Answer>>;

export const topsOf = ({ tops = ["y"] }: Case): readonly string[] => tops;

/** The case as the text of a prototxt. */
export function textOf(one: Case): string {
  const inputs = Object.entries(one.inputs).map(([name, shape]) => {
    const dims = shape.map((size) => `dim: ${size}`).join(" ");
    return `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { ${dims} } } }`;
  });
  const bottoms = Object.keys(one.inputs).map((name) => `bottom: "${name}"`);
  const ends = [...bottoms, ...topsOf(one).map((top) => `top: "${top}"`)];
  return [...inputs, `layer { name: "layer" ${ends.join(" ")} ${one.layer} }`].join("\n");
}

/** The case as the two files of a user. */
export function filesOf(one: Case): { net: CaffeFile; weights: CaffeFile } {
  const net = readNet(textOf(one), { file: "case.prototxt" });
  const blobs = (ANSWERS[one.name] as Answer).blobs.map((blob) => encodeBlob(blob));
  const message = create(NetParameterSchema, { layer: [create(LayerParameterSchema, { name: "layer", blobs })] });
  return { net, weights: readWeights(writeWeights({ ...net, message }), { file: "case.caffemodel" }) };
}
