import type { NodeProto } from "onnx-buf";
import { inlineExternal, type ReadExternal } from "./external.ts";
import { inlineFunctions } from "./functions.ts";
import { graphsOf, type Model, parseModel } from "./proto.ts";

/** A model, the functions that are called inlined, and where inlined nodes come from. */
export interface ReadModel {
  readonly model: Model;
  readonly origins: Map<NodeProto, string>;
}

/** Errors: as `parseModel` and `inlineFunctions`. */
export function readModel(bytes: Uint8Array): ReadModel {
  const model = parseModel(bytes);
  return { model, origins: inlineFunctions(model) };
}

/** A model as it stands, with all that it keeps in other files. Errors: as `parseModel` and `inlineExternal`. */
export async function readWhole(bytes: Uint8Array, external: ReadExternal | undefined): Promise<Model> {
  const model = parseModel(bytes);
  await inlineExternal(
    graphsOf(model).flatMap(({ tensors }) => tensors),
    external,
  );
  return model;
}
