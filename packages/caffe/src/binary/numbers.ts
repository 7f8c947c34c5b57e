import { BYTES, FIXED32, FIXED64, type WireField, wireFields } from "./wire.ts";

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

type Numbers = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;
interface ArrayOf {
  readonly make: (length: number) => Numbers;
  readonly size: number;
}
export const FLOAT = { make: (length: number) => new Float32Array(length), size: 4 };
export const DOUBLE = { make: (length: number) => new Float64Array(length), size: 8 };
export const HALF = { make: (length: number) => new Uint16Array(length), size: 2 };

/** Whether a field can be repeated numbers of `size` bytes, either packed or a single one. */
export function holdsNumbers({ wire, from, to }: WireField, size: number): boolean {
  if (wire === BYTES) return (to - from) % size === 0;
  return wire === (size === 4 ? FIXED32 : FIXED64) && size !== 2;
}

/**
 * All numbers of field `number`, which take `length` bytes, in one typed array. They are read directly from the wire
 * format, because an object per number would take ten times the file's size.
 */
export function joinNumbers<T extends ArrayOf>(
  bytes: Uint8Array,
  number: number,
  length: number,
  { make, size }: T,
): ReturnType<T["make"]> {
  const out = make(length / size) as ReturnType<T["make"]>;
  const target = new Uint8Array(out.buffer);
  let at = 0;
  for (const field of wireFields(bytes)) {
    if (field.number !== number || !holdsNumbers(field, size)) continue;
    const { from, to } = field;
    if (to - from > 64) target.set(bytes.subarray(from, to), at);
    else for (let i = from; i < to; i++) target[at + i - from] = bytes[i] as number;
    at += to - from;
  }
  if (!LITTLE_ENDIAN) reverseEach(target, size);
  return out;
}

/** The bytes of numbers in wire format. */
export function bytesOfNumbers(numbers: Float32Array | Float64Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(numbers.byteLength);
  copy.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
  if (!LITTLE_ENDIAN) reverseEach(copy, numbers.BYTES_PER_ELEMENT);
  return copy;
}

function reverseEach(bytes: Uint8Array, size: number): void {
  for (let i = 0; i < bytes.length; i += size) bytes.subarray(i, i + size).reverse();
}
