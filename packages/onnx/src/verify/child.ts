import { fstatSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { messageOf } from "../graph/proto.ts";
import { loadModel, onnxRuntimeMissing, type Session, type Tensor } from "./runtime.ts";
import { type Message, type Packed, pack, receive, send, unpack } from "./wire.ts";

/**
 * The process that ONNX Runtime runs in. If it crashes or never ends, nothing else is affected. It answers requests one
 * after another, and ends when the parent ends.
 */
const parent = new Socket({ fd: 3, readable: true, writable: true });
/** The file for large outputs. Reads and writes name their position, so that the processes do not share one. */
const SCRATCH = 4;
const hasScratch = isFile(SCRATCH);
let loaded: Session | null = null;
/** The generated inputs of the last run, by number: the next run may use them again. */
const kept = new Map<number, Tensor>();
let last: Promise<void> = Promise.resolve();

// The time limit for a model begins only after this. If ONNX Runtime is missing, the first load reports it.
await onnxRuntimeMissing();
await send(parent, { ready: true }, []);
receive(parent, (message) => {
  last = last.then(() => answer(message)).then(freed);
});
parent.on("close", () => process.exit());
parent.on("error", () => process.exit());

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
}

/** The size of a tensor, in bytes, from which it goes through the file, and memory is freed right after use. */
const LARGE = 2 ** 20;

const sizeOf = (parts: readonly Uint8Array[]) => parts.reduce((sum, { length }) => sum + length, 0);

/** Collects garbage, which the engine itself does late. */
function freed(size: number): void {
  if (size >= LARGE) globalThis.gc?.();
}

/** Returns the number of bytes received and sent. */
async function answer({ header, bytes }: Message): Promise<number> {
  const { id, op } = header;
  try {
    if (op === "load") {
      await loaded?.release();
      loaded = null;
      loaded = await loadModel(bytes, header.threads as number);
      await send(parent, { id }, []);
    } else if (op === "run" && loaded) {
      const feeds = unpack(header.feeds as readonly Packed[], bytes, kept);
      const { list, parts } = await run(loaded, feeds, header.apart === true && hasScratch);
      await send(parent, { id, outputs: list }, parts);
      return bytes.length + sizeOf(parts);
    } else {
      await loaded?.release();
      loaded = null;
      await send(parent, { id }, []);
    }
  } catch (error) {
    const { code = "" } = error as { code?: string };
    await send(parent, { id, error: messageOf(error), code }, []);
  }
  return bytes.length;
}

/** Computes the outputs and writes large ones to the file. With `apart`, at most one of them is in memory at a time. */
async function run(session: Session, feeds: ReadonlyMap<string, Tensor>, apart: boolean) {
  const found = { list: [] as Packed[], parts: [] as Uint8Array[], end: 0 };
  for (const names of apart ? session.outputs.map((name) => [name]) : [session.outputs]) {
    const before = found.end;
    await runSome(session, feeds, names, found);
    freed(found.end - before);
  }
  return found;
}

/** A separate function, so that its tensors are unreachable when it has returned. */
async function runSome(
  session: Session,
  feeds: ReadonlyMap<string, Tensor>,
  names: readonly string[],
  found: { list: Packed[]; parts: Uint8Array[]; end: number },
): Promise<void> {
  for (const entry of await session.run(feeds, names)) {
    const { list, parts } = pack([entry]);
    const isLarge = hasScratch && sizeOf(parts) >= LARGE;
    found.list.push(...list.map((packed) => (isLarge ? { ...packed, at: found.end } : packed)));
    if (!isLarge) found.parts.push(...parts);
    else for (const bytes of parts) found.end = written(bytes, found.end);
  }
}

function written(bytes: Uint8Array, at: number): number {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(SCRATCH, bytes, done, Math.min(bytes.length - done, 2 ** 26), at + done);
    } catch (error) {
      throw new Error(
        `its outputs do not fit in the temporary folder (${messageOf(error)}); free space there, or set TMPDIR`,
      );
    }
  }
  return at + bytes.length;
}
