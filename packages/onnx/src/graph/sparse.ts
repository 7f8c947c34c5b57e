import { create } from "@bufbuild/protobuf";
import { type SparseTensorProto, type TensorProto, TensorProtoSchema } from "onnx-buf";
import { littleEndian } from "./encode.ts";
import { numbersOf, wholeNumbersOf } from "./tensor.ts";

/** A sparse tensor can represent any number of zeros. No parameter of a normalization has more values than this. */
const MAX_VALUES = 2 ** 24;

/**
 * The dense form of a sparse tensor, as float32 or float64, or a text that says why there is none. Indices are [n],
 * which are positions in the flattened tensor, or [n, rank]. They are in ascending order.
 */
export function denseOf({ values, indices, dims }: SparseTensorProto): TensorProto | string {
  if (!values || !indices) return "is sparse without values or indices; export the model again";
  const sizes = dims.map(Number);
  const count = sizes.reduce((a, b) => a * b, 1);
  if (!sizes.every((size) => Number.isSafeInteger(size) && size >= 0) || count > MAX_VALUES)
    return `is sparse with shape [${sizes}], expected whole numbers of at most ${MAX_VALUES} values`;
  const numbers = numbersOf(values);
  if (typeof numbers === "string") return `is sparse, and its values ${numbers}`;
  const places = wholeNumbersOf(indices);
  if (typeof places === "string") return `is sparse, and its indices ${places}`;
  const n = numbers.data.length;
  const linear = places.dims.length === 1;
  const rows = places.dims[0] === n && (linear || (places.dims.length === 2 && places.dims[1] === sizes.length));
  if (numbers.dims.length !== 1 || !rows)
    return `is sparse with ${n} values and indices [${places.dims}], expected [${n}] or [${n},${sizes.length}]`;
  const data = numbers.dtype === "float32" ? new Float32Array(count) : new Float64Array(count);
  let before = -1;
  for (let i = 0; i < n; i++) {
    const at = linear ? (places.data[i] as number) : flattened(places.data.slice(i * sizes.length), sizes);
    if (!(at >= 0 && at < count)) return `is sparse, and index ${i} lies outside of shape [${sizes}]`;
    if (at <= before) return `is sparse, and index ${i} does not ascend`;
    data[at] = numbers.data[i] as number;
    before = at;
  }
  const dataType = numbers.dtype === "float32" ? 1 : 11;
  return create(TensorProtoSchema, { name: values.name, dataType, dims, rawData: littleEndian(data) });
}

/** The position of an index in the flattened tensor; NaN if the index is out of range. */
function flattened(index: readonly number[], sizes: readonly number[]): number {
  return sizes.reduce((at, size, axis) => {
    const own = index[axis] ?? Number.NaN;
    return own >= 0 && own < size ? at * size + own : Number.NaN;
  }, 0);
}
