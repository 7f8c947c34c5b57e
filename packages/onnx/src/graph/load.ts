import { toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { inlineExternal, type ReadExternal } from "./external.ts";
import { type Model, parseModel } from "./proto.ts";

/** Decodes a model and moves into it what it keeps in other files. Errors: as `parseModel` and `inlineExternal`. */
export async function readModel(
  bytes: Uint8Array,
  external: ReadExternal | undefined,
): Promise<{ model: Model; changed: boolean }> {
  const model = parseModel(bytes);
  return { model, changed: await inlineExternal(model, external) };
}

/** The bytes that `model` was read from, or where it was changed since then those that it makes. */
export function bytesOf(model: Model, changed: boolean, bytes: Uint8Array): Uint8Array {
  return changed ? toBinary(ModelProtoSchema, model) : bytes;
}
