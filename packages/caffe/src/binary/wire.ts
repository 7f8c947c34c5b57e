import { BinaryReader, type WireType } from "@bufbuild/protobuf/wire";

/** One field in wire format: `bytes[from, to)` is its payload, without tag and length. */
export interface WireField {
  readonly number: number;
  readonly wire: WireType;
  readonly from: number;
  readonly to: number;
  /** The offset of its tag, and the offset of its end. */
  readonly start: number;
  readonly body: number;
}

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

const MAX_DEPTH = 100;

/**
 * Visits the fields of one message in order.
 *
 * Errors: throws an `Error` that says what is wrong if the bytes are not a message.
 */
export function* wireFields(bytes: Uint8Array): Generator<WireField> {
  const reader = new BinaryReader(bytes);
  while (reader.pos < bytes.length) {
    const start = reader.pos;
    const [number, wire] = reader.tag();
    const body = reader.pos;
    let from = body;
    if (wire === BYTES) {
      const length = reader.uint32();
      from = reader.pos;
      if (length > bytes.length - from) {
        throw new Error(`field ${number} has a length of ${length} bytes, and ${bytes.length - from} are left`);
      }
      reader.pos = from + length;
    } else if (wire === FIXED32 || wire === FIXED64) {
      // The reader's own skip would create a view of each number, and there are millions of unpacked ones.
      reader.pos += wire === FIXED32 ? 4 : 8;
    } else {
      reader.skip(wire, number, MAX_DEPTH);
    }
    if (reader.pos > bytes.length) throw new Error(`field ${number} ends after the last byte`);
    yield { number, wire, from, to: reader.pos, start, body };
  }
}

/** The value of a varint field as a signed number. It is inexact beyond 2^53. */
export function varintOf(bytes: Uint8Array, { from }: WireField): number {
  const reader = new BinaryReader(bytes);
  reader.pos = from;
  return Number(reader.int64());
}
