import { create } from "@bufbuild/protobuf";
import { type AttributeProto, type FunctionProto, type GraphProto, type NodeProto, NodeProtoSchema } from "onnx-buf";
import { modelError } from "./errors.ts";
import { altered, graphsIn, isOnnxDomain, labelOf, type Model } from "./proto.ts";

/** A limit for all bodies together, because functions that call functions could expand to any number of nodes. */
const MAX_NODES = 2 ** 20;

interface Call {
  readonly body: FunctionProto;
  readonly node: NodeProto;
  /** Renames the body's own names. Formal inputs and outputs get the names of the call. */
  readonly rename: (name: string) => string;
  /** Values of the function's attributes, from the caller or the function's defaults. */
  readonly attributes: ReadonlyMap<string, AttributeProto>;
}

/**
 * Replaces the nodes that call model-local functions by the bodies of these functions, in every graph. Attributes by
 * reference are resolved, and names are made unique. A function written in another operator set than the model's is
 * left as it is, unless its operators mean the same in both. Functions that are not called stay in the model. Returns
 * the origin of inlined nodes, e.g. `function "norm", called by node "call"`.
 *
 * Errors: `ERR_BN_DATA` if functions call themselves, or if the bodies have more than 2^20 nodes in all.
 */
export function inlineFunctions(model: Model): Map<NodeProto, string> {
  const origins = new Map<NodeProto, string>();
  const bodies = bodiesOf(model);
  if (bodies.size === 0) return origins;
  const taken = new Set<string>();
  const called = new Set<FunctionProto>();
  let total = 0;
  const expand = (nodes: readonly NodeProto[], depth: number, path: string): NodeProto[] =>
    nodes.flatMap((node, index) => {
      for (const graph of graphsIn(node)) graph.node = expand(graph.node, depth, path);
      const body = bodies.get(keyOf(node));
      if (!body) return [node];
      called.add(body);
      const where = `function "${body.name}", called by node ${labelOf(node, index)}${path === "" ? "" : ` in ${path}`}`;
      total += body.node.length;
      if (depth > bodies.size || total > MAX_NODES) {
        const what = depth > bodies.size ? "calls itself" : `expands to more than ${MAX_NODES} nodes`;
        throw modelError(`function "${body.name}" ${what}; export the model again`);
      }
      const call = callOf(body, node, taken);
      const inner = expand(
        body.node.map((one) => instance(one, call)),
        depth + 1,
        where,
      );
      for (const one of inner) if (!origins.has(one)) origins.set(one, where);
      return [...inner, ...passedThrough(call)];
    });
  model.graph.node = expand(model.graph.node, 0, "");
  model.functions = model.functions.filter((body) => !called.has(body));
  return origins;
}

/** Operators whose meaning has not changed since the given operator set. */
const LASTING: ReadonlyMap<string, bigint> = new Map(
  Object.entries({
    9:
      "Abs Add Cast Concat Constant Conv ConvTranspose Div Erf Exp Flatten Gemm GlobalAveragePool Identity " +
      "InstanceNormalization LeakyRelu Log MatMul Mul Neg PRelu Pow Relu Reshape Shape Sigmoid Sqrt Sub Tanh Transpose",
    11: "AveragePool Clip MaxPool",
    13: "Softmax Squeeze Unsqueeze",
    // LayerNormalization was added in 17, but ONNX Runtime has it in all operator sets.
    14: "BatchNormalization LayerNormalization",
  }).flatMap(([since, operators]) => operators.split(" ").map((name) => [name, BigInt(since)] as const)),
);

/**
 * Whether a node means the same in operator sets `a` and `b`. BatchNormalization with one output has meant inference
 * since 7.
 */
function lasts({ opType, output, attribute }: NodeProto, a: bigint, b: bigint): boolean {
  const since =
    opType === "BatchNormalization" && output.length === 1 && attribute.every(isLasting) ? 9n : LASTING.get(opType);
  return since !== undefined && a >= since && b >= since;
}
const isLasting = ({ name }: AttributeProto) => name === "epsilon" || name === "momentum";

/**
 * The functions that can be inlined, by domain, name and overload. Their nodes mean the same in the model's operator
 * sets.
 */
function bodiesOf({ functions, opsetImport }: Model): Map<string, FunctionProto> {
  const versions = new Map(opsetImport.map(({ domain, version }) => [domainOf(domain), version]));
  const fits = ({ opsetImport, node }: FunctionProto) =>
    opsetImport.every(({ domain, version }) => {
      const own = versions.get(domainOf(domain)) ?? version;
      if (own === version) return true;
      return isOnnxDomain(domain) && node.every((one) => !isOnnxDomain(one.domain) || lasts(one, own, version));
    });
  return new Map(
    functions.filter(fits).map((body) => [`${domainOf(body.domain)}\n${body.name}\n${body.overload}`, body]),
  );
}

function keyOf({ domain, opType, overload }: NodeProto): string {
  return `${domainOf(domain)}\n${opType}\n${overload}`;
}

const domainOf = (domain: string) => (isOnnxDomain(domain) ? "" : domain);

function callOf(body: FunctionProto, node: NodeProto, taken: Set<string>): Call {
  let prefix = node.name || node.output.find((name) => name !== "") || body.name;
  while (taken.has(prefix)) prefix += "'";
  taken.add(prefix);
  const names = new Map<string, string>([["", ""]]);
  // An input that is also an output keeps the input's name, and `passedThrough` copies it.
  for (const [i, formal] of body.output.entries()) if (node.output[i]) names.set(formal, node.output[i]);
  for (const [i, formal] of body.input.entries()) names.set(formal, node.input[i] ?? "");
  const attributes = new Map(body.attributeProto.map((attribute) => [attribute.name, attribute]));
  for (const attribute of node.attribute) attributes.set(attribute.name, attribute);
  return { body, node, attributes, rename: (name) => names.get(name) ?? `${prefix}/${name}` };
}

/**
 * Outputs of a function that are also its inputs. Each becomes an Identity node, because the caller has another name
 * for it.
 */
function passedThrough({ body, node, rename }: Call): NodeProto[] {
  return body.output.flatMap((formal, i) => {
    const output = node.output[i] ?? "";
    if (output === "" || rename(formal) === output) return [];
    return [create(NodeProtoSchema, { opType: "Identity", input: [rename(formal)], output: [output] })];
  });
}

/** A node of the body with the names and attributes of the call. */
function instance(node: NodeProto, call: Call): NodeProto {
  const { rename } = call;
  return altered(node, {
    name: node.name === "" ? "" : `${call.node.name || call.body.name}/${node.name}`,
    input: node.input.map(rename),
    output: node.output.map(rename),
    attribute: node.attribute.flatMap((one) => attributeInstance(one, call)),
  });
}

function attributeInstance(attribute: AttributeProto, call: Call): AttributeProto[] {
  const { name, refAttrName, g, graphs } = attribute;
  if (refAttrName !== "") {
    const given = call.attributes.get(refAttrName);
    // If the attribute is neither given nor has a default, the operator's own default applies.
    return given ? [altered(given, { name })] : [];
  }
  if (!g && graphs.length === 0) return [attribute];
  const inside = { graphs: graphs.map((graph) => graphInstance(graph, call)) };
  return [altered(attribute, g ? { ...inside, g: graphInstance(g, call) } : inside)];
}

function graphInstance(graph: GraphProto, call: Call): GraphProto {
  const { rename } = call;
  const renamed = <T extends { name: string }>(one: T) =>
    altered(one as T & object, { name: rename(one.name) } as Partial<T & object>);
  return altered(graph, {
    node: graph.node.map((node) => instance(node, call)),
    input: graph.input.map(renamed),
    output: graph.output.map(renamed),
    valueInfo: graph.valueInfo.map(renamed),
    initializer: graph.initializer.map(renamed),
    sparseInitializer: graph.sparseInitializer.map((one) =>
      one.values ? altered(one, { values: renamed(one.values) }) : one,
    ),
  });
}
