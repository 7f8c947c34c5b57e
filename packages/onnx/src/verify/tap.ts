import { BnError, type Shape } from "@bn/core";
import { create, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import type { Model } from "../graph/proto.ts";
import type { NormNode } from "../layers/nodes.ts";
import { type InputPlan, makeInput, planInputs } from "./inputs.ts";
import { loadModel, type Tensor } from "./runtime.ts";

/** Sizes of open axes, in the order in which they are tried: networks differ in what they can divide. */
const SIZES = [64, 224, 256, 32];

/** What the network is to read: values where they are given, else made up from `seed`, of these shapes. */
export interface Wanted {
  readonly shapes: Readonly<Record<string, Shape>>;
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly seed: string;
  readonly signal: AbortSignal | undefined;
}

/**
 * Runs the network once and returns every tensor that one of `nodes` reads or writes. Where axes are open, sizes are
 * tried until ONNX Runtime takes one. Errors: `ERR_BN_DATA`, it takes none.
 */
export async function runTapped(
  bytes: Uint8Array,
  model: Model,
  nodes: readonly NormNode[],
  { shapes, feeds: given, seed, signal }: Wanted,
): Promise<{ inputs: InputPlan[]; values: ReadonlyMap<string, Tensor> }> {
  const sizes = { ...shapes, ...Object.fromEntries(Object.entries(given).map(([name, { shape }]) => [name, shape])) };
  const wanted = nodes.flatMap(({ tensors }) => Object.values(tensors));
  const session = await loadModel(tapped(bytes, model, wanted));
  try {
    let failure: unknown;
    let tried = "";
    for (const size of SIZES) {
      signal?.throwIfAborted();
      const inputs = planInputs(model, sizes, size);
      const text = inputs.map(({ name, shape }) => `"${name}" [${shape}]`).join(", ");
      if (text === tried) break; // nothing was left open
      tried = text;
      const feeds = Object.fromEntries(
        inputs.map((input) => [input.name, fed(input, given[input.name]) ?? makeInput(input, seed)]),
      );
      try {
        return { inputs, values: new Map([...Object.entries(feeds), ...(await session.run(feeds))]) };
      } catch (error) {
        failure ??= error;
      }
    }
    const message = failure instanceof Error ? failure.message : String(failure);
    throw new BnError("ERR_BN_DATA", `${message}; tried last with inputs ${tried}; pass the shapes that it expects`, {
      cause: failure,
    });
  } finally {
    await session.release();
  }
}

/** A tensor that was given, if it is of the input's type. Its shape has been checked. */
function fed(input: InputPlan, tensor: Tensor | undefined): Tensor | null {
  if (tensor === undefined) return null;
  if (tensor.type === input.type) return tensor;
  throw new BnError(
    "ERR_BN_PARAM",
    `verifyModel: the tensor given for input "${input.name}" is ${tensor.type}, the model expects ${input.type}; convert it`,
  );
}

/** The model with more graph outputs. Protobuf merges what is appended, so that no byte of the model changes. */
function tapped(bytes: Uint8Array, { graph }: Model, wanted: readonly string[]): Uint8Array {
  // Before IR 4 initialisers are inputs too, which nobody feeds.
  const stored = new Set(graph.initializer.map(({ name }) => name));
  const fed = graph.input.filter(({ name }) => !stored.has(name));
  const there = new Set([...graph.output, ...fed].map(({ name }) => name));
  const output = [...new Set(wanted)].filter((name) => !there.has(name)).map((name) => ({ name }));
  const more = toBinary(ModelProtoSchema, create(ModelProtoSchema, { graph: { output } }));
  const model = new Uint8Array(bytes.length + more.length);
  model.set(bytes);
  model.set(more, bytes.length);
  return model;
}
