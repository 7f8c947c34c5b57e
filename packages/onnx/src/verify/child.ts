import { Socket } from "node:net";
import { messageOf } from "../graph/proto.ts";
import { type Loaded, loadModel, onnxRuntimeMissing } from "./runtime.ts";
import { type Message, pack, receive, send, unpack } from "./wire.ts";

/**
 * The process that ONNX Runtime runs in. If it crashes or never ends, nothing else is affected. It answers requests one
 * after another, and ends when the parent ends.
 */
const parent = new Socket({ fd: 3, readable: true, writable: true });
let loaded: Loaded | null = null;
let last: Promise<void> = Promise.resolve();

// The time limit for a model begins only after this. If ONNX Runtime is missing, the first load reports it.
await onnxRuntimeMissing();
send(parent, { ready: true }, []);
receive(parent, (message) => {
  last = last.then(() => answer(message)).then(freed);
});
parent.on("close", () => process.exit());
parent.on("error", () => process.exit());

/** The size of a message, in bytes, from which memory is freed right after sending: the engine itself does so late. */
const LARGE = 2 ** 22;

const sizeOf = (parts: readonly Uint8Array[]) => parts.reduce((sum, { length }) => sum + length, 0);

/** Frees the memory of a message after it is sent. */
async function freed(size: number): Promise<void> {
  if (size < LARGE) return;
  await new Promise((done) => parent.write("", done));
  globalThis.gc?.();
}

/** Returns the number of bytes received and sent. */
async function answer({ header, bytes }: Message): Promise<number> {
  const { id, op } = header;
  try {
    if (op === "load") {
      await loaded?.release();
      loaded = null;
      loaded = await loadModel(bytes, header.threads as number);
      send(parent, { id }, []);
    } else if (op === "run" && loaded) {
      const { list, parts } = pack(await loaded.run(unpack(header.feeds as Parameters<typeof unpack>[0], bytes)));
      send(parent, { id, outputs: list }, parts);
      return bytes.length + sizeOf(parts);
    } else {
      await loaded?.release();
      loaded = null;
      send(parent, { id }, []);
    }
  } catch (error) {
    const { code = "" } = error as { code?: string };
    send(parent, { id, error: messageOf(error), code }, []);
  }
  return bytes.length;
}
