import type { BnError } from "@bn/core";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  ModelProtoSchema,
  type NodeProto,
  type SparseTensorProto,
  type TensorProto,
  type ValueInfoProto,
} from "onnx-buf";
import { BFLOAT16, FLOAT16 } from "../graph/elements.ts";
import { intAttribute, nodeOf } from "../graph/encode.ts";
import { modelError } from "../graph/errors.ts";
import { inlineExternal, type ReadExternal } from "../graph/external.ts";
import {
  altered,
  dependenciesOf,
  graphsIn,
  isOnnxDomain,
  type Model,
  namesReadBy,
  opsetOf,
  producersOf,
  tensorsOf,
  tensorTypeOf,
} from "../graph/proto.ts";
import { givenTwice } from "../graph/scope.ts";
import { withOwnStatistics } from "./prepare.ts";

/** A tensor of the top level, and what to fetch of it: its values, its values as float32, or its shape alone. */
export interface Tap {
  readonly name: string;
  readonly as: "value" | "float32" | "shape";
}

/** A model that computes the taps and only the tensors that they need. */
export interface Extract {
  readonly bytes: Uint8Array;
  /** Whether a second run may give other values. */
  readonly random: boolean;
  /** The inputs that it needs; `inputName` gives their names. */
  readonly inputs: readonly ValueInfoProto[];
  /** The names of the outputs, one per tap. */
  readonly outputs: readonly string[];
}

/** Inputs narrower than float32 are fed as float32, which loses nothing, and the model casts them. */
export function inputName(input: ValueInfoProto): string {
  return narrowTypeOf(input) === null ? input.name : `@bn/wide/${input.name}`;
}

function narrowTypeOf(input: ValueInfoProto): number | null {
  const element = tensorTypeOf(input)?.elemType;
  return element === FLOAT16 || element === BFLOAT16 ? element : null;
}

/**
 * Reduces `model` to the parts that `taps` need. Data in other files is read only if it is needed.
 *
 * Errors: the error in `failures` for a node that is needed, and those of `inlineExternal`.
 */
export function createExtractor(
  model: Model,
  external: ReadExternal | undefined,
  failures: ReadonlyMap<NodeProto, BnError>,
) {
  const { graph } = model;
  const opset = opsetOf(model);
  const producers = producersOf(graph.node);
  producers.delete("");
  const stored = new Map<string, TensorProto>(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const sparse = new Map<string, SparseTensorProto>(
    graph.sparseInitializer.map((one) => [one.values?.name ?? "", one]),
  );
  const twice = givenTwice({ nodes: graph.node, initializers: graph.initializer, sparse: graph.sparseInitializer });
  const reads = new Map<NodeProto, readonly string[]>();
  const readsOf = (node: NodeProto) => {
    const names = reads.get(node) ?? namesReadBy(node);
    reads.set(node, names);
    return names;
  };
  /** The nodes and names that tensors depend on. */
  const closure = (wanted: readonly string[]) => dependenciesOf(wanted, producers, readsOf);
  const extract = async (taps: readonly Tap[]): Promise<Extract> => {
    const { nodes, names } = closure(taps.map(({ name }) => name));
    for (const node of nodes) {
      const failure = failures.get(node);
      if (failure) throw failure;
    }
    for (const [name, why] of twice)
      if (names.has(name)) throw modelError(`tensor "${name}" ${why}; export the model again`);
    const initializer = [...stored.values()].filter(({ name }) => names.has(name));
    const sparseInitializer = [...sparse].filter(([name]) => names.has(name)).map(([, one]) => one);
    const kept = graph.node.filter((node) => nodes.has(node));
    await inlineExternal([...initializer, ...tensorsOf(kept), ...sparseInitializer.flatMap(tensorsIn)], external);
    const declared = graph.input.filter(({ name }) => names.has(name) && !producers.has(name));
    const inputs = declared.filter(({ name }) => !stored.has(name) && !sparse.has(name));
    const narrow = inputs.flatMap((input) => {
      const type = narrowTypeOf(input);
      return type === null ? [] : [nodeOf("Cast", "", [inputName(input)], [input.name], [intAttribute("to", type)])];
    });
    // A tensor that no node produces, which is an input or an initialiser, becomes an output under another name.
    const outputs = taps.map(({ name, as }) => (as === "value" && producers.has(name) ? name : `@bn/${as}/${name}`));
    // Nodes share tensors, because one's output is the next one's input. Each tensor is returned once.
    const once = new Map(taps.map((tap, i) => [outputs[i] as string, tap]));
    // ONNX Runtime starts with the last of the nodes that no other node reads. In reverse order, tensors are freed early.
    const extra = [...once].flatMap(([output, tap]) => tapNode(tap, output)).reverse();
    const extracted = create(ModelProtoSchema, {
      irVersion: model.irVersion,
      opsetImport: model.opsetImport,
      functions: model.functions,
      graph: {
        name: "taps",
        node: [...narrow, ...kept.flatMap((node) => withOwnStatistics(node, opset)), ...extra],
        initializer,
        sparseInitializer,
        input: declared.map((input) => (narrowTypeOf(input) === null ? input : widened(input))),
        output: [...once.keys()].map((name) => ({ name })),
        valueInfo: graph.valueInfo.filter(({ name }) => names.has(name) && producers.has(name)),
      },
    });
    return { bytes: toBinary(ModelProtoSchema, extracted), inputs, outputs, random: kept.some(isRandom) };
  };
  return { extract, needs: (wanted: readonly string[]): ReadonlySet<NodeProto> => closure(wanted).nodes };
}

/** Operators that draw numbers, Dropout in training among them. */
const RANDOM = new Set(
  "RandomNormal RandomNormalLike RandomUniform RandomUniformLike Multinomial Bernoulli Dropout".split(" "),
);

/** Whether a node, a function that it calls or a subgraph of it may draw numbers. */
function isRandom(node: NodeProto): boolean {
  return (
    !isOnnxDomain(node.domain) || RANDOM.has(node.opType) || graphsIn(node).some(({ node }) => node.some(isRandom))
  );
}

const TAPS = { value: "Identity", float32: "Cast", shape: "Shape" } as const;

function tapNode({ name, as }: Tap, output: string): NodeProto[] {
  if (output === name) return [];
  return [nodeOf(TAPS[as], "", [name], [output], as === "float32" ? [intAttribute("to", 1)] : [])];
}

/** The same input with type float32. */
function widened(input: ValueInfoProto): ValueInfoProto {
  const tensor = tensorTypeOf(input);
  if (!input.type || !tensor) return input;
  const type = altered(input.type, { value: { case: "tensorType", value: altered(tensor, { elemType: 1 }) } });
  return altered(input, { name: inputName(input), type });
}

function tensorsIn({ values, indices }: SparseTensorProto): TensorProto[] {
  return [values, indices].filter((tensor) => tensor !== undefined);
}
