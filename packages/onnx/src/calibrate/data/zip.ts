import { type Bytes, deflatedBytes, fileBytes } from "./bytes.ts";

/** One file of a zip. */
export interface ZipEntry {
  readonly name: string;
  /** The CRC-32 of the unpacked bytes, in hexadecimal. */
  readonly crc: string;
  open(): Promise<Bytes>;
}

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
/** The largest size of the end record, with the longest comment. */
const TAIL = 22 + 0xffff;
const MOST_DIRECTORY = 2 ** 26;
const FULL_32 = 0xffffffff;
const STORED = 0;
const DEFLATED = 8;

/**
 * The files of a zip, from its directory: stored or deflated, with 64-bit sizes if it has them, as numpy.savez writes.
 * Rejects with an Error whose message says what is wrong.
 *
 * Source: PKWARE, APPNOTE 6.3.10, 4.3 and 4.5.3.
 */
export async function readZip(path: string, size: number): Promise<readonly ZipEntry[]> {
  const file = fileBytes(path, 0, size);
  try {
    const { count, at, length } = await findDirectory(file);
    if (length > MOST_DIRECTORY || at + length > size)
      throw new Error("its directory lies outside the file: it is truncated");
    return entriesOf(await file.read(at, length), count, path, size);
  } finally {
    await file.close();
  }
}

async function findDirectory(file: Bytes): Promise<{ count: number; at: number; length: number }> {
  const tailAt = Math.max(0, file.size - TAIL);
  const tail = viewOf(await file.read(tailAt, file.size - tailAt));
  let end = tail.byteLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== END) end--;
  if (end < 0) throw new Error("it has no directory: it is not a zip file, or is truncated");
  const found = {
    count: tail.getUint16(end + 10, true),
    length: tail.getUint32(end + 12, true),
    at: tail.getUint32(end + 16, true),
  };
  const locator = end - 20;
  if (locator < 0 || tail.getUint32(locator, true) !== LOCATOR_64) return found;
  const record = viewOf(await file.read(longOf(tail, locator + 8), 56));
  if (record.getUint32(0, true) !== END_64) throw new Error("its 64-bit directory is damaged");
  return { count: longOf(record, 32), length: longOf(record, 40), at: longOf(record, 48) };
}

function entriesOf(directory: Uint8Array, count: number, path: string, size: number): ZipEntry[] {
  const view = viewOf(directory);
  const entries: ZipEntry[] = [];
  for (let at = 0; entries.length < count; ) {
    if (at + 46 > view.byteLength || view.getUint32(at, true) !== ENTRY) throw new Error("its directory is damaged");
    const [nameLength, extraLength] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true)];
    const name = new TextDecoder().decode(directory.subarray(at + 46, at + 46 + nameLength));
    const extra = viewOf(directory.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength));
    const wide = wideSizes(extra);
    const own = (offset: number) => {
      const value = view.getUint32(at + offset, true);
      return value === FULL_32 ? (wide.shift() ?? value) : value;
    };
    // The extra field holds the values that do not fit into 32 bits, in this order.
    const [unpacked, packed, local] = [own(24), own(20), own(42)];
    const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
    const crc = view
      .getUint32(at + 16, true)
      .toString(16)
      .padStart(8, "0");
    entries.push({ name, crc, open: () => openEntry({ name, path, size, flags, method, unpacked, packed, local }) });
    at += 46 + nameLength + extraLength + view.getUint16(at + 32, true);
  }
  return entries;
}

interface Place {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly flags: number;
  readonly method: number;
  readonly unpacked: number;
  readonly packed: number;
  readonly local: number;
}

async function openEntry({ name, path, size, flags, method, unpacked, packed, local }: Place): Promise<Bytes> {
  if ((flags & 1) !== 0) throw new Error(`"${name}" in it is encrypted`);
  if (method !== STORED && method !== DEFLATED) throw new Error(`"${name}" in it is compressed by method ${method}`);
  const file = fileBytes(path, 0, size);
  try {
    const head = viewOf(await file.read(local, 30));
    if (head.getUint32(0, true) !== LOCAL) throw new Error(`"${name}" in it is damaged`);
    const start = local + 30 + head.getUint16(26, true) + head.getUint16(28, true);
    if (start + packed > size) throw new Error(`"${name}" in it ends after the end of the file: it is truncated`);
    if (method === DEFLATED) return deflatedBytes(path, start, packed, unpacked);
    if (packed !== unpacked) throw new Error(`"${name}" in it has two sizes, ${packed} and ${unpacked}`);
    return fileBytes(path, start, unpacked);
  } finally {
    await file.close();
  }
}

/** The 64-bit sizes of an extra field: unpacked, packed and offset, each only if it did not fit into 32 bits. */
function wideSizes(extra: DataView): number[] {
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const [id, length] = [extra.getUint16(at, true), extra.getUint16(at + 2, true)];
    if (id === 1) {
      const count = Math.min(length, extra.byteLength - at - 4) >> 3;
      return Array.from({ length: count }, (_, i) => longOf(extra, at + 4 + 8 * i));
    }
    at += 4 + length;
  }
  return [];
}

function longOf(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
