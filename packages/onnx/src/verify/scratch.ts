import { closeSync, ftruncateSync, mkdtempSync, openSync, read, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const readAt = promisify(read);

/**
 * A file in the temporary folder that a process and its child share, for tensors that are too large for a message. Its name is
 * removed before anything is written, so that the file ends with the processes, however they end.
 */
export interface Scratch {
  readonly fd: number;
  /** Fills `into` with the bytes from position `at` on. */
  read(at: number, into: Uint8Array): Promise<void>;
  /** Discards the contents. */
  clear(): void;
  close(): void;
}

/** Null if no file can be created in the temporary folder. */
export function openScratch(): Scratch | null {
  let fd: number;
  try {
    const folder = mkdtempSync(join(tmpdir(), "bn-"));
    try {
      fd = openSync(join(folder, "tensors"), "w+");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  } catch {
    return null;
  }
  return {
    fd,
    async read(at, into) {
      for (let done = 0; done < into.length; ) {
        const { bytesRead } = await readAt(fd, into, done, into.length - done, at + done);
        if (bytesRead === 0) throw new Error(`the temporary file ends at byte ${at + done}`);
        done += bytesRead;
      }
    },
    clear: () => ftruncateSync(fd, 0),
    close: () => closeSync(fd),
  };
}
