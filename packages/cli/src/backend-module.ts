import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { type Backend, type BnError, CONTRACT_VERSION, type Kernels, type Supports } from "@bn/core";
import { dataError } from "./errors.ts";

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
    throw dataError(`cannot load backend ${spec}: ${messageOf(error)}`, error);
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
    throw dataError(`backend ${spec} failed to start: ${messageOf(error)}`, error);
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

/** A field that the contract names, what it must be, and the cure. */
type Rule = readonly [path: string, fits: (value: unknown) => boolean, cure: string];

const isFunction = (value: unknown) => typeof value === "function";
const isDtype = (value: unknown) => value === "float32" || value === "float64";

const RULES: readonly Rule[] = [
  ["name", (value) => typeof value === "string" && value !== "", "give it a non-empty name"],
  [
    "contractVersion",
    (value) => value === CONTRACT_VERSION,
    `bn checks contract ${CONTRACT_VERSION}; read docs/adding-a-backend.md for what changed, adapt the backend, and set contractVersion: ${CONTRACT_VERSION}`,
  ],
  ["supports", isObject, "declare what it supports"],
  [
    "supports.dtypes",
    (value) => Array.isArray(value) && value.length > 0 && value.every(isDtype),
    'list "float32", "float64" or both',
  ],
  ...FACTS.map((key): Rule => [`supports.${key}`, (value) => typeof value === "boolean", "declare true or false"]),
  [
    "supports.threads",
    (value) => Number.isInteger(value) && (value as number) >= 1,
    "give the number of threads, at least 1",
  ],
  [
    "supports.details",
    (value) => isObject(value) && Object.values(value).every((detail) => typeof detail === "string"),
    "give an object of strings; it may be empty",
  ],
  ["kernels", isObject, `give it an object of ${KERNELS.join(", ")}`],
  ...[...METHODS, ...KERNELS.map((key) => `kernels.${key}`)].map(
    (key): Rule => [key, isFunction, "make it a function"],
  ),
  ...FUSED.map((key): Rule => {
    return [`kernels.${key}`, (value) => value === undefined || isFunction(value), "make it a function"];
  }),
];

/** Checks every field that the contract names. The cases check what kernels compute. */
function assertBackend(spec: string, value: unknown): asserts value is Backend {
  if (!isObject(value))
    throw bad(spec, `the function returned ${text(value)}`, "return an object of type Backend (@bn/core, backend.ts)");
  for (const [path, fits, cure] of RULES) {
    const found = path.split(".").reduce<unknown>((at, key) => (at as Fields)[key], value);
    if (!fits(found)) throw bad(spec, `${path} is ${text(found)}`, cure);
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

function text(value: unknown): string {
  return inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function bad(spec: string, what: string, cure: string): BnError {
  return dataError(`backend ${spec}: ${what}; ${cure}`);
}
