import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { createInflateRaw } from "node:zlib";

/** Bytes that can be read from any offset, though reading in order may be faster. */
export interface Bytes {
  readonly size: number;
  /** Reads exactly these bytes. Errors: the file has become shorter, or cannot be read. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** Bytes [start, start + size) of a file, which is opened at the first read. */
export function fileBytes(path: string, start: number, size: number): Bytes {
  let file: FileHandle | null = null;
  return {
    size,
    async read(offset, length) {
      file ??= await open(path);
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file.read(bytes, done, length - done, start + offset + done);
        if (bytesRead === 0)
          throw new Error(`it ends at byte ${start + offset + done}: it became shorter while it was read`);
        done += bytesRead;
      }
      return bytes;
    },
    async close() {
      await file?.close();
      file = null;
    },
  };
}

/**
 * The same for bytes [start, start + packed) that are deflated and have `size` bytes when unpacked. They can only be
 * unpacked in order: bytes before an offset are unpacked and dropped, and reading at an earlier offset starts again
 * from the beginning.
 */
export function deflatedBytes(path: string, start: number, packed: number, size: number): Bytes {
  let at = 0;
  let chunks: AsyncIterator<Buffer> | null = null;
  let rest: Buffer = Buffer.alloc(0);
  let end: (() => void) | null = null;
  const close = async () => {
    end?.();
    chunks = null;
    rest = Buffer.alloc(0);
    at = 0;
  };
  const begin = (): AsyncIterator<Buffer> => {
    const stored = createReadStream(path, packed === 0 ? { start, end: start } : { start, end: start + packed - 1 });
    const unpacked = createInflateRaw();
    stored.on("error", (error) => unpacked.destroy(error));
    stored.pipe(unpacked);
    end = () => {
      stored.destroy();
      unpacked.destroy();
    };
    return unpacked[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  };
  return {
    size,
    close,
    async read(offset, length) {
      if (offset < at) await close();
      chunks ??= begin();
      const bytes = new Uint8Array(length);
      while (at < offset + length) {
        if (rest.length === 0) {
          const next = await chunks.next();
          if (next.done) throw new Error(`unpacked it ends at byte ${at}, expected ${size}: it is damaged`);
          rest = next.value;
        }
        const skipped = Math.min(rest.length, Math.max(0, offset - at));
        const taken = Math.min(rest.length - skipped, offset + length - at - skipped);
        bytes.set(rest.subarray(skipped, skipped + taken), Math.max(0, at - offset));
        rest = rest.subarray(skipped + taken);
        at += skipped + taken;
      }
      return bytes;
    },
  };
}
