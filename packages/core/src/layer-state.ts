import type { DeviceBuffer, Dtype, HostArray } from "./backend.ts";
import type { Blob } from "./blob.ts";
import { BnError } from "./errors.ts";
import { newHostArray } from "./host-values.ts";
import { acquire, type Memory, want } from "./memory.ts";
import { countOf, type Shape, sameShape, shapeText } from "./shape.ts";
import { stampOf } from "./stamps.ts";
import { textOf } from "./text.ts";

/** Names of a layer's blobs, in Caffe's order: those of BatchNorm, then those of Scale. */
export type BlobName = "mean" | "variance" | "factor" | "gamma" | "beta";
const NAMES: readonly BlobName[] = ["mean", "variance", "factor", "gamma", "beta"];
const STATISTICS = 3;

type LayerType = "BatchNorm" | "BatchNormScale" | "Scale";
const LAYER_TYPES: readonly string[] = ["BatchNorm", "BatchNormScale", "Scale"] satisfies LayerType[];
const STATE_VERSION = 1;

/** One blob of a state. */
export interface BlobState<V extends ArrayLike<number>> {
  readonly shape: Shape;
  readonly values: V;
}

/**
 * The result of `layer.state()`. It holds the blobs as they are, so mean and variance are the decayed sums, to be
 * divided by factor.
 */
export interface LayerState<V extends ArrayLike<number> = HostArray> {
  readonly type: string;
  /** The version of this format. */
  readonly version: number;
  readonly dtype: Dtype;
  readonly blobs: { readonly [name in BlobName]?: BlobState<V> };
}

/** The argument of `layer.load()`: a state, or one that went through JSON with plain arrays. */
export type LoadableState = LayerState<ArrayLike<number>>;

/** A state after its checks. Values are float64 copies, which hold the values of both dtypes exactly. */
export interface CheckedState {
  readonly type: string;
  readonly blobs: ReadonlyMap<BlobName, { readonly shape: Shape; readonly values: Float64Array }>;
}

/** Reads all of `blobs` as of one moment. */
export async function readState(
  type: string,
  dtype: Dtype,
  names: readonly BlobName[],
  blobs: readonly Blob[],
): Promise<LayerState> {
  const shapes = blobs.map((blob) => blob.shape);
  const values = await Promise.all(blobs.map((blob) => blob.read()));
  const read = names.map((name, i) => [name, { shape: shapes[i], values: values[i] }] as const);
  return { type, version: STATE_VERSION, dtype, blobs: Object.fromEntries(read) };
}

/** The blobs that a layer takes from a state of this type: its own, or those of a layer that it fuses. */
function namesIn(type: string, own: string, names: readonly BlobName[]): readonly BlobName[] {
  if (type === own) return names;
  const statistics = NAMES.slice(0, STATISTICS);
  return names.filter((name) => statistics.includes(name) === (type === "BatchNorm"));
}

/** Checks the form of a state, whichever layer it is for. Errors: `ERR_BN_PARAM`. */
export function checkState(where: string, own: string, given: unknown): CheckedState {
  const bad = (what: string) => {
    throw new BnError("ERR_BN_PARAM", `${where}: ${what}`);
  };
  if (!isRecord(given)) {
    const hint = given instanceof Promise ? "; await it first" : "";
    return bad(`state is ${textOf(given)}, expected the result of a layer's state()${hint}`);
  }
  const { type, version, dtype, blobs } = given;
  const fits = type === own || (own === "BatchNormScale" && (type === "BatchNorm" || type === "Scale"));
  if (typeof type !== "string" || !LAYER_TYPES.includes(type) || !fits) {
    bad(
      `state.type is ${textOf(type)}, expected "${own}"${own === "BatchNormScale" ? ', "BatchNorm" or "Scale"' : ""}`,
    );
  }
  if (version !== STATE_VERSION)
    bad(`state.version is ${textOf(version)}, this core reads ${STATE_VERSION}; update @bn/core`);
  if (dtype !== "float32" && dtype !== "float64")
    bad(`state.dtype is ${textOf(dtype)}, expected "float32" or "float64"`);
  if (!isRecord(blobs)) return bad(`state.blobs is ${textOf(blobs)}, expected an object of blobs by name`);
  const read = new Map<BlobName, { shape: Shape; values: Float64Array }>();
  for (const key of Object.keys(blobs)) {
    const name = NAMES.find((one) => one === key);
    if (name === undefined) return bad(`state.blobs.${key} is unknown, expected ${NAMES.join(", ")}`);
    read.set(name, checkBlobState(`state.blobs.${name}`, blobs[name], bad));
  }
  return { type: type as string, blobs: read };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && Object.prototype.toString.call(value) === "[object Object]";
}

function checkBlobState(label: string, given: unknown, bad: (what: string) => never) {
  if (!isRecord(given)) return bad(`${label} is ${textOf(given)}, expected { shape, values }`);
  const { shape, values } = given;
  if (!Array.isArray(shape) || !shape.every((dim) => Number.isInteger(dim) && dim >= 0)) {
    return bad(`${label}.shape is ${textOf(shape)}, expected an array of whole numbers`);
  }
  const list = Array.isArray(values) || (ArrayBuffer.isView(values) && "length" in values);
  if (!list) return bad(`${label}.values are ${textOf(values)}, expected a typed array, or an array of numbers`);
  const from = values as ArrayLike<unknown>;
  const frozen = Object.freeze([...shape]) as Shape;
  if (from.length !== countOf(frozen)) {
    return bad(`${label} has ${from.length} values, expected ${countOf(frozen)} for shape ${shapeText(frozen)}`);
  }
  const copy = new Float64Array(from.length);
  for (let i = 0; i < copy.length; i++) {
    const value = from[i];
    if (typeof value !== "number") {
      const hint = value === null ? " (JSON has no NaN and no infinities)" : "";
      return bad(`${label}.values[${i}] is ${textOf(value)}, expected a number${hint}`);
    }
    copy[i] = value;
  }
  return { shape: frozen, values: copy };
}

/** Checks that the state has exactly the layer's names. Errors: `ERR_BN_PARAM`. */
export function checkNames(where: string, own: string, state: CheckedState, names: readonly BlobName[]): void {
  const expected = namesIn(state.type, own, names);
  const got = [...state.blobs.keys()];
  if (got.length === expected.length && expected.every((name) => state.blobs.has(name))) return;
  throw new BnError(
    "ERR_BN_PARAM",
    `${where}: the state has ${got.join(", ") || "no blobs"}, expected ${expected.join(", ") || "none"}; load it into a layer with the same parameters`,
  );
}

/** One checked blob that is to be written. */
export interface Load {
  readonly index: number;
  readonly values: HostArray;
}

/**
 * The values that `state` writes into blobs of these shapes and this dtype. Errors: `ERR_BN_SHAPE`, `ERR_BN_PARAM` (a
 * value beyond the dtype's range).
 */
export function loadsOf(
  where: string,
  state: CheckedState,
  names: readonly BlobName[],
  shapes: readonly Shape[],
  dtype: Dtype,
): Load[] {
  return [...state.blobs].map(([name, { shape, values }]) => {
    const index = names.indexOf(name);
    const expected = shapes[index] as Shape;
    if (!sameShape(shape, expected)) {
      throw new BnError(
        "ERR_BN_SHAPE",
        `${where}: ${name} of the state has shape ${shapeText(shape)}, the layer's ${shapeText(expected)}; load it into a layer with the same number of channels`,
      );
    }
    const rounded = newHostArray(dtype, values.length);
    rounded.set(values);
    const beyond = rounded.findIndex((value, i) => !Number.isFinite(value) && Number.isFinite(values[i]));
    if (beyond >= 0) {
      throw new BnError(
        "ERR_BN_PARAM",
        `${where}: ${name} of the state has ${values[beyond]} at ${beyond}, which ${dtype} cannot hold; use a float64 layer`,
      );
    }
    return { index, values: rounded };
  });
}

/** Writes the values. It allocates all memory before it writes the first one. */
export function writeLoads(params: readonly Memory[], loads: readonly Load[]): void {
  const [first] = params;
  if (first === undefined || loads.length === 0) return;
  acquire(
    first.backend,
    first.dtype,
    loads.map(({ index }) => want(params[index] as Memory, "data")),
    null,
  );
  for (const { index, values } of loads) {
    const memory = params[index] as Memory;
    const data = memory.data as DeviceBuffer;
    memory.backend.write(data, values);
    stampOf(data).writes++;
  }
}
