import { crc32, deflateRawSync } from "node:zlib";

const CODES = new Map<unknown, string>([
  [Float32Array, "<f4"],
  [Float64Array, "<f8"],
  [Uint8Array, "|u1"],
  [Uint16Array, "<f2"],
  [Int32Array, "<i4"],
  [BigInt64Array, "<i8"],
]);

/** The bytes that numpy.save writes; a Uint16Array is float16. */
export function npy(shape: readonly number[], data: ArrayBufferView, code = CODES.get(data.constructor)): Buffer {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${code}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const padded = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const head = Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), Buffer.alloc(2), Buffer.from(padded)]);
  head.writeUInt16LE(padded.length, 8);
  return Buffer.concat([head, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
}

/** The bytes that numpy.savez or savez_compressed writes. Local headers have 64-bit sizes, as numpy writes them. */
export function npz(arrays: Readonly<Record<string, Buffer>>, deflated = false): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [key, content] of Object.entries(arrays)) {
    const name = Buffer.from(`${key}.npy`);
    const stored = deflated ? deflateRawSync(content) : content;
    const crc = crc32(content);
    const local = Buffer.alloc(30 + name.length + 20);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(45, 4);
    local.writeUInt16LE(deflated ? 8 : 0, 8);
    local.writeUInt32LE(crc, 14);
    local.fill(0xff, 18, 26);
    local.writeUInt16LE(name.length, 26);
    local.writeUInt16LE(20, 28);
    name.copy(local, 30);
    local.writeUInt16LE(1, 30 + name.length);
    local.writeUInt16LE(16, 32 + name.length);
    local.writeBigUInt64LE(BigInt(content.length), 34 + name.length);
    local.writeBigUInt64LE(BigInt(stored.length), 42 + name.length);
    const entry = Buffer.alloc(46 + name.length);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(deflated ? 8 : 0, 10);
    entry.writeUInt32LE(crc, 16);
    entry.writeUInt32LE(stored.length, 20);
    entry.writeUInt32LE(content.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(at, 42);
    name.copy(entry, 46);
    locals.push(local, stored);
    directory.push(entry);
    at += local.length + stored.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, ...directory, end]);
}
