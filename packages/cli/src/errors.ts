import { readFile } from "node:fs/promises";
import { BnError } from "@bn/core";

/** The error for a wrong option, or for options that cannot be combined. */
export function bad(what: string): BnError {
  return new BnError("ERR_BN_PARAM", what);
}

export function dataError(what: string, cause?: unknown): BnError {
  return new BnError("ERR_BN_DATA", what, { cause });
}

export function unavailable(what: string, cause?: unknown): BnError {
  return new BnError("ERR_BN_UNAVAILABLE", what, { cause });
}

export const noBackend = (): BnError =>
  unavailable("no backend is available on this machine; run `bn backends` for the reasons");

/** Errors: `ERR_BN_DATA`; its message ends with `cure`. */
export async function readBytes(path: string, cure = ""): Promise<Buffer> {
  return readFile(path).catch((cause: Error) => {
    throw dataError(`${path}: cannot be read: ${cause.message}${cure}`, cause);
  });
}
