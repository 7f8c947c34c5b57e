import type { NodeProto } from "onnx-buf";
import { inlineExternal, type ReadExternal } from "./external.ts";
import { inlineFunctions } from "./functions.ts";
import { graphsOf, type Model, parseModel } from "./proto.ts";

/** A model with its functions inlined, and the origin of inlined nodes. */
export interface ReadModel {
  readonly model: Model;
  readonly origins: Map<NodeProto, string>;
}

/** Errors: those of `parseModel` and `inlineFunctions`. */
export function readModel(bytes: Uint8Array): ReadModel {
  const model = parseModel(bytes);
  return { model, origins: inlineFunctions(model) };
}

/**
 * Reads a model without changes, including its data in other files. Errors: those of `parseModel` and `inlineExternal`.
 */
export async function readWhole(bytes: Uint8Array, external: ReadExternal | undefined): Promise<Model> {
  const model = parseModel(bytes);
  await inlineExternal(
    graphsOf(model).flatMap(({ tensors }) => tensors),
    external,
  );
  return model;
}
