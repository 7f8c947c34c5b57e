import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { type Backend, BnError, CONTRACT_VERSION, type Kernels, type Supports } from "@bn/core";

/** Whether `spec` is a file (`./x`, `../x`, `/x`, `C:\x`, `x.js`) and not the name of a known backend. */
export function isModulePath(spec: string): boolean {
  return /[\\/]|\.[cm]?[jt]s$/.test(spec);
}

/** The exports of a module; none if `spec` is not a path. It runs the module the first time. */
export async function importModule(spec: string): Promise<object> {
  return isModulePath(spec) ? import(pathToFileURL(resolve(spec)).href) : {};
}

/**
 * Creates a backend from a module whose default export, or export `createBackend`, is a function that returns a backend
 * or a promise of one. The result is checked against the contract as far as possible without running a kernel.
 *
 * Errors: `ERR_BN_DATA`; the message says what is wrong and how to correct it.
 */
export async function createFromModule(spec: string): Promise<Backend> {
  let exports: { default?: unknown; createBackend?: unknown };
  try {
    exports = await importModule(spec);
  } catch (error) {
    throw new BnError("ERR_BN_DATA", `cannot load backend ${spec}: ${messageOf(error)}`, { cause: error });
  }
  const create = exports.createBackend ?? exports.default;
  if (typeof create !== "function") {
    const names = Object.keys(exports).join(", ") || "nothing";
    throw bad(spec, `exports ${names}`, "export default a function that returns a Backend or a promise of one");
  }
  let backend: unknown;
  try {
    backend = await create();
  } catch (error) {
    throw new BnError("ERR_BN_DATA", `backend ${spec} failed to start: ${messageOf(error)}`, { cause: error });
  }
  assertBackend(spec, backend);
  return backend;
}

const METHODS = ["alloc", "owns", "write", "read", "finish", "dispose"] as const satisfies readonly (keyof Backend)[];
const KERNELS = [
  "moments",
  "normalize",
  "gradSums",
  "gradNormalize",
  "scale",
  "scaleSums",
  "movingAverage",
  "globalStats",
  "copy",
  "fill",
] as const satisfies readonly (keyof Kernels<never>)[];
const FUSED = ["forward", "backward"] as const satisfies readonly (keyof Kernels<never>)[];
const FACTS = [
  "hostVisible",
  "nonFinite",
  "subnormals",
  "correctlyRounded",
  "deterministic",
] as const satisfies readonly (keyof Supports)[];

type Fields = Readonly<Record<string, unknown>>;

/** Checks every field that the contract names. The cases check what kernels compute. */
function assertBackend(spec: string, value: unknown): asserts value is Backend {
  if (!isObject(value))
    throw bad(spec, `the function returned ${text(value)}`, "return an object of type Backend (@bn/core, backend.ts)");
  const { name, contractVersion, supports, kernels } = value;
  if (typeof name !== "string" || name === "") throw bad(spec, `name is ${text(name)}`, "give it a non-empty name");
  if (contractVersion !== CONTRACT_VERSION) {
    const cure = `bn checks contract ${CONTRACT_VERSION}; read docs/adding-a-backend.md for what changed, adapt the backend, and set contractVersion: ${CONTRACT_VERSION}`;
    throw bad(spec, `contractVersion is ${text(contractVersion)}`, cure);
  }
  if (!isObject(supports)) throw bad(spec, `supports is ${text(supports)}`, "declare what it supports");
  checkSupports(spec, supports);
  if (!isObject(kernels)) throw bad(spec, `kernels is ${text(kernels)}`, `give it an object of ${KERNELS.join(", ")}`);
  for (const key of METHODS) wantFunction(spec, key, value[key]);
  for (const key of KERNELS) wantFunction(spec, `kernels.${key}`, kernels[key]);
  for (const key of FUSED) if (kernels[key] !== undefined) wantFunction(spec, `kernels.${key}`, kernels[key]);
}

function checkSupports(spec: string, supports: Fields): void {
  const { dtypes, threads, details } = supports;
  const known = (dtype: unknown) => dtype === "float32" || dtype === "float64";
  if (!Array.isArray(dtypes) || dtypes.length === 0 || !dtypes.every(known)) {
    throw bad(spec, `supports.dtypes is ${text(dtypes)}`, 'list "float32", "float64" or both');
  }
  for (const fact of FACTS) {
    if (typeof supports[fact] !== "boolean") {
      throw bad(spec, `supports.${fact} is ${text(supports[fact])}`, "declare true or false");
    }
  }
  if (!Number.isInteger(threads) || (threads as number) < 1) {
    throw bad(spec, `supports.threads is ${text(threads)}`, "give the number of threads, at least 1");
  }
  if (!isObject(details) || !Object.values(details).every((detail) => typeof detail === "string")) {
    throw bad(spec, `supports.details is ${text(details)}`, "give an object of strings; it may be empty");
  }
}

function wantFunction(spec: string, key: string, value: unknown): void {
  if (typeof value !== "function") throw bad(spec, `${key} is ${text(value)}`, "make it a function");
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

function text(value: unknown): string {
  return inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function bad(spec: string, what: string, cure: string): BnError {
  return new BnError("ERR_BN_DATA", `backend ${spec}: ${what}; ${cure}`);
}
