import { Socket } from "node:net";
import { messageOf } from "../graph/proto.ts";
import { type Loaded, loadModel, onnxRuntimeMissing } from "./runtime.ts";
import { type Message, pack, receive, send, unpack } from "./wire.ts";

/**
 * The process that ONNX Runtime runs in: it may crash or never end, and takes nothing but itself with it. Requests are
 * answered one after another; when the parent is gone, so is this.
 */
const parent = new Socket({ fd: 3, readable: true, writable: true });
let loaded: Loaded | null = null;
let last: Promise<void> = Promise.resolve();

// Only then does the time begin that a model may take; what is wrong with it, the first load says.
await onnxRuntimeMissing();
send(parent, { ready: true }, []);
receive(parent, (message) => {
  last = last.then(() => answer(message)).then(freed);
});
parent.on("close", () => process.exit());
parent.on("error", () => process.exit());

/** Bytes of a message beyond which what was handed over is freed at once: the engine sees little reason to. */
const LARGE = 2 ** 22;

const sizeOf = (parts: readonly Uint8Array[]) => parts.reduce((sum, { length }) => sum + length, 0);

/** Frees what was handed over, once it is sent. */
async function freed(size: number): Promise<void> {
  if (size < LARGE) return;
  await new Promise((done) => parent.write("", done));
  globalThis.gc?.();
}

/** Returns the bytes that came and went. */
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
