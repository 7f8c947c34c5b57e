import { createHash } from "node:crypto";
import type { Shape } from "@bn/core";
import { dataError } from "../../graph/errors.ts";
import type { Tensor } from "../../verify/runtime.ts";
import { fedAs } from "../../verify/values.ts";

/** An input of a model that data can be given for. */
export interface DataPort {
  readonly name: string;
  /** ONNX Runtime's name of the element type. */
  readonly type: string;
  /** null for a size that is open, or for all of it if the model does not tell the rank. */
  readonly shape: readonly (number | null)[] | null;
}

/** Samples in a fixed order. They are the values of a network's inputs, along the first axis. */
export interface CalibrationData {
  /** null if the number is not known before the end, as for a stream. */
  readonly samples: number | null;
  /** Identifies this data. For a stream, it identifies what was read so far. */
  digest(): string;
  /**
   * Samples [first, first + count) by the names of inputs: fewer at the end, null beyond it. A stream can only be read
   * forward.
   *
   * Errors: `ERR_BN_DATA`, naming file and sample, if the data cannot be read or contains NaN or an infinity.
   */
  read(first: number, count: number): Promise<ReadonlyMap<string, Tensor> | null>;
  close(): Promise<void>;
}

/** A typed array of any type. */
type Values = ArrayBufferView & ArrayLike<number | bigint> & { subarray(from: number, to: number): Values };

/** A tensor whose data are a typed array. */
export interface TypedTensor extends Tensor {
  readonly data: Values;
}

/** Whether elements of `type` can be converted to the port's type without loss. */
function isFed(type: string, port: DataPort): boolean {
  const data = type === "float16" ? new Uint16Array(0) : new Float32Array(0);
  return fedAs({ type, shape: [0], data }, port.type) !== null;
}

/** The reason why an array of this type and shape cannot hold samples for `port`, or null. */
export function whyUnfit(type: string, shape: Shape, port: DataPort): string | null {
  const wanted =
    port.shape &&
    `[n${port.shape
      .slice(1)
      .map((size) => `,${size ?? "?"}`)
      .join("")}]`;
  const input = `input "${port.name}" takes`;
  if (!isFed(type, port)) return `holds ${type}, ${input} ${port.type}; convert it with numpy's astype`;
  if (shape.length === 0)
    return `holds a single number, but ${input} needs samples along a first axis: ${wanted ?? "[n,...]"}`;
  if (port.shape === null || wanted === null) return null;
  const rest = shape.slice(1);
  const fits = rest.length === port.shape.length - 1 && rest.every((size, i) => (port.shape?.[i + 1] ?? size) === size);
  if (fits) return null;
  const one = shape.length === port.shape.length - 1;
  return `has shape [${shape}], ${input} ${wanted}, n samples${one ? "; if it is one sample a, save a[None]" : ""}`;
}

/**
 * Joins the pieces of one batch into the tensors that the network reads, widened to the inputs' types.
 *
 * Errors: `ERR_BN_DATA` for a number that is not finite, with `where` and the sample.
 */
export function joinPieces(
  pieces: readonly { readonly tensor: TypedTensor; readonly where: string; readonly first: number }[],
  port: DataPort,
): Tensor {
  const fed = pieces.map(({ tensor, where, first }) => {
    const taken = fedAs(tensor, port.type) as TypedTensor | null;
    if (taken === null) throw dataError(`${where}: ${whyUnfit(tensor.type, tensor.shape, port)}`);
    checkFinite(taken, where, first);
    return taken;
  });
  const [only] = fed;
  if (only === undefined) throw new RangeError("a batch has a piece");
  if (fed.length === 1) return only;
  const bytes = new Uint8Array(fed.reduce((sum, { data }) => sum + data.byteLength, 0));
  let at = 0;
  for (const { data } of fed) {
    bytes.set(bytesOf(data), at);
    at += data.byteLength;
  }
  const Typed = only.data.constructor as new (buffer: ArrayBuffer) => Values;
  const samples = fed.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
  return { type: only.type, shape: [samples, ...only.shape.slice(1)], data: new Typed(bytes.buffer) };
}

function bytesOf({ buffer, byteOffset, byteLength }: Values): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function checkFinite({ type, shape, data }: TypedTensor, where: string, first: number): void {
  if (!type.startsWith("float")) return;
  const perSample = data.length / Math.max(1, shape[0] as number);
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    const sample = first + Math.floor(i / perSample);
    throw dataError(
      `${where}: sample ${sample} holds ${data[i]}, expected finite numbers, because one other value spoils the statistics of all channels; remove the sample, or correct it`,
    );
  }
}

/**
 * Data in memory: one tensor per input, all with the same number of samples.
 *
 * Errors: `ERR_BN_DATA` if there are no samples, or tensors with different numbers of them.
 *
 * @example
 * ```ts
 * import { dataOf } from "@bn/onnx/calibrate";
 * const data = dataOf({ X: { type: "float32", shape: [3, 1], data: new Float32Array([1, 2, 6]) } });
 * console.log(data.samples, (await data.read(2, 2))!.get("X")!.shape); // 3 [ 1, 1 ]
 * ```
 */
export function dataOf(tensors: Readonly<Record<string, Tensor>>): CalibrationData {
  const entries = Object.entries(tensors) as [string, TypedTensor][];
  const samples = entries[0]?.[1].shape[0] ?? 0;
  for (const [name, { shape, data }] of entries) {
    const count = shape.reduce((a, b) => a * b, 1);
    if (data.length !== count || shape[0] !== samples || samples === 0) {
      const came = `has shape [${shape}] and ${data.length} values`;
      throw dataError(`dataOf: "${name}" ${came}, expected ${samples || "some"} samples, as many in each`);
    }
  }
  return {
    samples,
    digest() {
      const hash = createHash("sha256");
      for (const [name, { type, shape, data }] of entries) {
        hash.update(JSON.stringify([name, type, shape]));
        hash.update(bytesOf(data));
      }
      return hash.digest("hex");
    },
    async read(first, count) {
      const end = Math.min(samples, first + count);
      if (end <= first) return null;
      return new Map(
        entries.map(([name, { type, shape, data }]) => {
          const size = data.length / samples;
          const part = data.subarray(first * size, end * size);
          const port = { name, type, shape: null };
          const tensor = { type, shape: [end - first, ...shape.slice(1)], data: part };
          return [name, joinPieces([{ tensor, where: `"${name}"`, first }], port)] as const;
        }),
      );
    },
    async close() {},
  };
}
