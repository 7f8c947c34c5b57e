import { BnError } from "@bn/core";

/** A file, a model or its data that cannot be used. */
export function dataError(what: string, cause?: unknown): BnError {
  return new BnError("ERR_BN_DATA", what, { cause });
}

/** The same for an ONNX model. */
export function modelError(what: string, cause?: unknown): BnError {
  return dataError(`ONNX model: ${what}`, cause);
}

/** An option or an argument that does not fit. */
export function paramError(what: string, cause?: unknown): BnError {
  return new BnError("ERR_BN_PARAM", what, { cause });
}
