import type { Duplex } from "node:stream";
import type { Tensor } from "./runtime.ts";

/**
 * Messages between a process and its child: a header in JSON, followed by the bytes of tensors, so that large tensors
 * are not encoded and are copied only once. The format is [length of the header, length of the bytes, header, bytes].
 */
export interface Message {
  readonly header: Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array;
}

const HEAD = 12;

export function send(stream: Duplex, header: Message["header"], parts: readonly Uint8Array[]): void {
  const text = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(HEAD);
  head.writeUInt32LE(text.length, 0);
  head.writeBigUInt64LE(BigInt(parts.reduce((sum, { length }) => sum + length, 0)), 4);
  for (const part of [head, text, ...parts]) stream.write(part);
}

/** Calls `onMessage` for each message that arrives. */
export function receive(stream: Duplex, onMessage: (message: Message) => void): void {
  // The part that is currently received: the head, then the header's text, then the bytes. Each has memory of its own,
  // so that tensors can be aligned views of it.
  let [target, filled] = [Buffer.alloc(HEAD), 0];
  let sizes: readonly number[] | null = null;
  let header: Message["header"] | null = null;
  const next = (size: number) => {
    [target, filled] = [Buffer.alloc(size), 0];
  };
  const step = () => {
    if (sizes === null) {
      sizes = [target.readUInt32LE(0), Number(target.readBigUInt64LE(4))];
      next(sizes[0] as number);
    } else if (header === null) {
      header = JSON.parse(target.toString("utf8"));
      next(sizes[1] as number);
    } else {
      const message = { header, bytes: target };
      [sizes, header] = [null, null];
      next(HEAD);
      onMessage(message);
    }
  };
  stream.on("data", (chunk: Buffer) => {
    let at = 0;
    while (at < chunk.length || filled === target.length) {
      const copied = chunk.copy(target, filled, at);
      at += copied;
      filled += copied;
      if (filled < target.length) return;
      step();
    }
  });
}

/** Constructors by ONNX Runtime's type names. float16 is passed as bits, and strings are in the header. */
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const;

interface Packed {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly strings?: readonly string[];
}

/** Encodes tensors as entries of a header and the bytes after it, each padded to 8 bytes. */
export function pack(tensors: Iterable<readonly [string, Tensor]>): { list: Packed[]; parts: Uint8Array[] } {
  const list: Packed[] = [];
  const parts: Uint8Array[] = [];
  for (const [name, { type, shape, data }] of tensors) {
    if (Array.isArray(data)) {
      list.push({ name, type, shape, bytes: 0, strings: data });
      continue;
    }
    const { buffer, byteOffset, byteLength } = data as Uint8Array;
    const padding = (8 - (byteLength % 8)) % 8;
    list.push({ name, type, shape, bytes: byteLength });
    parts.push(new Uint8Array(buffer, byteOffset, byteLength), new Uint8Array(padding));
  }
  return { list, parts };
}

export function unpack(list: readonly Packed[], bytes: Uint8Array): Map<string, Tensor> {
  let offset = 0;
  return new Map(
    list.map(({ name, type, shape, bytes: size, strings }): [string, Tensor] => {
      if (strings) return [name, { type, shape, data: strings }];
      const Values = Object.hasOwn(ARRAYS, type) ? ARRAYS[type as keyof typeof ARRAYS] : Uint8Array;
      const data = new Values(bytes.buffer as ArrayBuffer, bytes.byteOffset + offset, size / Values.BYTES_PER_ELEMENT);
      offset += size + ((8 - (size % 8)) % 8);
      return [name, { type, shape, data }];
    }),
  );
}
