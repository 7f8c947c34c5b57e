import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import type { Cause, Result } from "@bn/conformance";
import type { Supports } from "@bn/core";

/**
 * The messages of a backend's process, in order. They are written to a file at once, so they stay readable however the
 * process ends, and nothing that a module prints, closes or replaces can interfere.
 */
export type Entry =
  /** The suite is loaded, and the backend's module is about to be. Earlier failures are not caused by the module. */
  | { readonly type: "alive" }
  | { readonly type: "ready"; readonly name: string; readonly supports: Supports; readonly contractVersion: number }
  | { readonly type: "noStart"; readonly code: string; readonly message: string; readonly frame: string | null }
  /** Case `index` begins, in a process that uses `rss` bytes. */
  | { readonly type: "begin"; readonly index: number; readonly rss: number }
  | { readonly type: "result"; readonly index: number; readonly result: Result }
  /** The failed case is repeated to find out why it failed; `cause` follows. */
  | { readonly type: "diagnose"; readonly index: number }
  | { readonly type: "cause"; readonly index: number; readonly cause: Cause | null }
  /** An error after the last case that no call threw, or builtins that were replaced. */
  | { readonly type: "fault"; readonly fault: Fault }
  | { readonly type: "dispose" }
  | { readonly type: "done" };

/** A failure of the run as a whole, which becomes a failed result `process/NAME`. */
export interface Fault {
  readonly name: "builtins" | "dispose" | "errors";
  readonly reason: string;
  readonly stack?: string;
}

const HEADER = 4;

interface JournalWriter {
  write(entry: Entry): void;
}

export function openJournal(path: string): JournalWriter {
  // The functions as they are now, before a module can replace them.
  const [file, write, pack, size] = [openSync(path, "a"), writeSync, serialize, HEADER];
  return {
    write(entry) {
      const body = pack(entry);
      const frame = new Uint8Array(size + body.length);
      new DataView(frame.buffer).setUint32(0, body.length, true);
      frame.set(body, size);
      for (let sent = 0; sent < frame.length; ) sent += write(file, frame, sent);
    },
  };
}

export interface JournalReader {
  /** The entries since the last call. Errors: throws if the file contains something else. */
  read(): Entry[];
  close(): void;
}

export function followJournal(path: string): JournalReader {
  const file = openSync(path, "r");
  let [place, rest] = [0, Buffer.alloc(0)];
  return {
    read() {
      const fresh = Buffer.alloc(fstatSync(file).size - place);
      const count = readSync(file, fresh, 0, fresh.length, place);
      place += count;
      rest = Buffer.concat([rest, fresh.subarray(0, count)]);
      const entries: Entry[] = [];
      while (rest.length >= HEADER && rest.length >= HEADER + rest.readUInt32LE(0)) {
        const end = HEADER + rest.readUInt32LE(0);
        entries.push(deserialize(rest.subarray(HEADER, end)));
        rest = rest.subarray(end);
      }
      return entries;
    },
    close: () => closeSync(file),
  };
}
