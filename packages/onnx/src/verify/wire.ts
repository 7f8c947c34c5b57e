import type { Duplex } from "node:stream";
import { isMade, lengthOf, type MadeTensor } from "./large.ts";
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

/** The bytes behind a header. Those of a generated tensor are generated while they are sent. */
export type Parts = readonly (Uint8Array | { readonly length: number; chunks(): Iterable<ArrayBufferView> })[];

/** Resolves when everything is written. Messages must not overlap. */
export async function send(stream: Duplex, header: Message["header"], parts: Parts): Promise<void> {
  const text = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(HEAD);
  head.writeUInt32LE(text.length, 0);
  head.writeBigUInt64LE(BigInt(parts.reduce((sum, { length }) => sum + length, 0)), 4);
  // The end of the stream is reported elsewhere.
  const write = (bytes: Uint8Array) => new Promise<void>((done) => stream.write(bytes, () => done()));
  let last = write(Buffer.concat([head, text]));
  for (const part of parts) {
    if (part instanceof Uint8Array) {
      last = write(part);
      continue;
    }
    for (const { buffer, byteOffset, byteLength } of part.chunks())
      await write(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));
  }
  await last;
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

/** A tensor of a message. Its values are among the message's bytes, in the file, or already in the child. */
export interface Packed {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly strings?: readonly string[];
  /** The position of the values in the file. */
  readonly at?: number;
  /** The number of a generated tensor, which the child keeps for the next run. */
  readonly made?: number;
}

const paddingOf = (bytes: number) => (8 - (bytes % 8)) % 8;

type Numbers = (typeof ARRAYS)[keyof typeof ARRAYS];

/** The array type for values of a type; bytes if it is unknown. */
export function arrayOf(type: string): Numbers {
  return Object.hasOwn(ARRAYS, type) ? ARRAYS[type as keyof typeof ARRAYS] : Uint8Array;
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
    list.push({ name, type, shape, bytes: byteLength });
    parts.push(new Uint8Array(buffer, byteOffset, byteLength), new Uint8Array(paddingOf(byteLength)));
  }
  return { list, parts };
}

/** The same for inputs. Generated tensors with a number in `known` are not sent again. */
export function packFeeds(
  feeds: Iterable<readonly [string, Tensor | MadeTensor]>,
  known: Map<MadeTensor, number>,
): { list: Packed[]; parts: Parts } {
  const list: Packed[] = [];
  const parts: Parts[number][] = [];
  const used = new Set<MadeTensor>();
  for (const [name, feed] of feeds) {
    if (!isMade(feed)) {
      const packed = pack([[name, feed]]);
      list.push(...packed.list);
      parts.push(...packed.parts);
      continue;
    }
    const { type, shape } = feed;
    const length = lengthOf(shape) * arrayOf(type).BYTES_PER_ELEMENT;
    const sent = known.get(feed);
    const made = sent ?? Math.max(-1, ...known.values()) + 1;
    list.push({ name, type, shape, made, bytes: sent === undefined ? length : 0 });
    if (sent === undefined) parts.push({ length, chunks: () => feed.chunks() }, new Uint8Array(paddingOf(length)));
    known.set(feed, made);
    used.add(feed);
  }
  // The child keeps only those of its last run.
  for (const feed of known.keys()) if (!used.has(feed)) known.delete(feed);
  return { list, parts };
}

/** The tensors of a message. `kept` has the generated ones of the last message, by number, and gets those of this one. */
export function unpack(
  list: readonly Packed[],
  bytes: Uint8Array,
  kept = new Map<number, Tensor>(),
): Map<string, Tensor> {
  let offset = 0;
  const found = list.map(({ name, type, shape, bytes: size, strings, made }): [Packed["made"], string, Tensor] => {
    if (strings) return [made, name, { type, shape, data: strings }];
    const before = made === undefined || size > 0 ? undefined : kept.get(made);
    if (before) return [made, name, before];
    const Values = arrayOf(type);
    const data = new Values(bytes.buffer as ArrayBuffer, bytes.byteOffset + offset, size / Values.BYTES_PER_ELEMENT);
    offset += size + paddingOf(size);
    return [made, name, { type, shape, data }];
  });
  kept.clear();
  for (const [made, , tensor] of found) if (made !== undefined) kept.set(made, tensor);
  return new Map(found.map(([, name, tensor]) => [name, tensor]));
}
