import type { AttributeProto, NodeProto } from "onnx-buf";
import { attributeOf } from "../graph/proto.ts";

/** How a version of the operator distinguishes training from inference, and whether it has `spatial`. */
interface Version {
  readonly since: number;
  readonly training: "is_test" | "outputs" | "training_mode";
  readonly spatial: boolean;
}

/**
 * The versions of BatchNormalization, newest first. 15 differs from 14 only in the allowed types, and 6 from 1 only in
 * consumed_inputs.
 */
const VERSIONS: readonly Version[] = [
  { since: 14, training: "training_mode", spatial: false },
  { since: 9, training: "outputs", spatial: false },
  { since: 7, training: "outputs", spatial: true },
  { since: 1, training: "is_test", spatial: true },
];

/** The indicator of training, in words. */
const TRAINING = { is_test: "is_test", outputs: "the number of outputs", training_mode: "training_mode" } as const;

/** The attributes of a node, for every version of the operator. */
export interface NormAttributes {
  readonly epsilon: number;
  readonly momentum: number;
  readonly training: boolean;
  /** false if there are parameters for each position, [C, D1, ...], and not for each channel. */
  readonly spatial: boolean;
  /** Values that were assumed because an attribute is missing. */
  readonly assumed: readonly string[];
  /** Attributes that the operator of this operator set does not have, and that are ignored. */
  readonly ignored: readonly string[];
}

/**
 * The attributes of the operator in all versions. consumed_inputs told old engines which inputs they could overwrite.
 */
const KNOWN = new Set(["epsilon", "momentum", "spatial", "is_test", "training_mode", "consumed_inputs"]);

const FLOAT = 1;
const INT = 2;
/** The operator's default in every version, as a float32. */
const EPSILON = Math.fround(1e-5);
const MOMENTUM = Math.fround(0.9);

/** Says which attribute a node has twice, or null. */
export function repeatedAttribute({ attribute }: NodeProto): string | null {
  const again = attribute.find(({ name }, i) => attribute.findIndex((one) => one.name === name) < i);
  return again ? `attribute ${again.name} is given twice; export the model again` : null;
}

/** The attributes of a BatchNormalization of operator set `opset`, or a text that says what is wrong with them. */
export function readAttributes(node: NodeProto, opset: number): NormAttributes | string {
  const version = VERSIONS.find(({ since }) => opset >= since) as Version;
  const assumed: string[] = [];
  const twice = repeatedAttribute(node);
  if (twice !== null) return twice;
  for (const [name, type] of [
    ["epsilon", FLOAT],
    ["momentum", FLOAT],
    ["spatial", INT],
    ["is_test", INT],
    ["training_mode", INT],
  ] as const) {
    const found: AttributeProto | undefined = attributeOf(node, name);
    // An absent attribute must not be read as protobuf's default.
    if (found && found.refAttrName !== "") return `${name} refers to an attribute of its function, which nothing calls`;
    // Old files omit the type.
    if (found && found.type !== 0 && found.type !== type)
      return `attribute ${name} is of type ${found.type}, expected ${type === FLOAT ? "a float" : "an int"}`;
    // ONNX Runtime reads a training_mode of 3 both as training and as inference, and crashes.
    if (found && type === INT && found.i !== 0n && found.i !== 1n) return `${name} is ${found.i}, expected 0 or 1`;
  }
  const float = (name: string, absent: number) => {
    const found = attributeOf(node, name);
    if (!found) assumed.push(`${name} is not given: ${absent} is used, the operator's default`);
    return found?.f ?? absent;
  };
  const int = (name: string) => attributeOf(node, name)?.i;

  const epsilon = float("epsilon", EPSILON);
  if (!(epsilon >= 0 && epsilon < Number.POSITIVE_INFINITY))
    return `epsilon is ${epsilon}, expected a finite number >= 0`;
  const momentum = float("momentum", MOMENTUM);
  const extra = node.output.slice(1).some((name) => name !== "");
  let training = version.training === "training_mode" ? (int("training_mode") ?? 0n) !== 0n : extra;
  if (version.training === "is_test") {
    const isTest = int("is_test");
    // The default is 0, training. But exporters omitted the attribute in networks for inference, and converters read it
    // as inference.
    if (isTest === undefined && !extra)
      assumed.push("is_test is not given, and there is one output, so the node is read as inference");
    training = isTest === undefined ? extra : isTest === 0n;
  }
  const spatial = (int("spatial") ?? 1n) !== 0n;
  const ignored: string[] = [];
  if (!version.spatial && attributeOf(node, "spatial")) {
    if (!spatial)
      return `spatial is 0, which operator set ${opset} does not have: parameters are per channel; set spatial to 1`;
    ignored.push(`spatial is not an attribute of operator set ${opset}, which always behaves as spatial 1`);
  }
  if (version.training !== "is_test" && attributeOf(node, "is_test"))
    ignored.push(`is_test is not an attribute of operator set ${opset}`);
  if (version.training !== "training_mode" && attributeOf(node, "training_mode"))
    ignored.push(
      `training_mode is not an attribute of operator set ${opset}, where ${TRAINING[version.training]} decides`,
    );
  for (const { name } of node.attribute)
    if (!KNOWN.has(name))
      ignored.push(`${name} is not an attribute of BatchNormalization, and is not read; ONNX Runtime refuses the node`);
  if (version.training === "training_mode" && extra && !training)
    ignored.push(
      "has outputs for running statistics, which only training_mode 1 computes: an incomplete export from training",
    );
  return { epsilon, momentum, training, spatial: !version.spatial || spatial, assumed, ignored };
}
