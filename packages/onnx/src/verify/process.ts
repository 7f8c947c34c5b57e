import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { totalmem } from "node:os";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { BnError, type BnErrorCode } from "@bn/core";
import { dataError } from "../graph/errors.ts";
import { type MadeTensor, type Source, sourceOf, wholeOf } from "./large.ts";
import type { Loaded, Runtime, Tensor } from "./runtime.ts";
import { openScratch, type Scratch } from "./scratch.ts";
import { arrayOf, type Message, type Packed, type Parts, packFeeds, receive, send, unpack } from "./wire.ts";

export interface RuntimeOptions {
  /** Seconds that one load or one run of a model may take. Default 120. */
  readonly timeout?: number | undefined;
  /**
   * Bytes of memory that the process may use, which is checked on Linux. Default: three quarters of the machine's
   * memory.
   */
  readonly memory?: number | undefined;
  /** Threads per operator. Default 1, because with more the last bits of a result may differ. */
  readonly threads?: number | undefined;
  /** Ends the process. Pending requests then reject with the reason. */
  readonly signal?: AbortSignal | undefined;
}

const MS_BETWEEN_LOOKS = 50;
/** Seconds that the process may take to start, which is long because the machine may be busy. */
const START = 120;

interface Waiting {
  resolve(message: Message): void;
  reject(error: unknown): void;
}

/** A child process and the requests that wait for its answers. `ended` says why it ended. */
interface Child {
  readonly process: ChildProcess;
  readonly socket: Duplex;
  /** Resolves when ONNX Runtime is loaded, or the process has ended. */
  readonly ready: Promise<void>;
  readonly waiting: Map<number, Waiting>;
  /** The generated tensors that it holds, and their numbers. */
  readonly made: Map<MadeTensor, number>;
  /** Why the process was killed, if it did not exit on its own. */
  reason: string;
}

/**
 * ONNX Runtime in a separate process. The process is started at once, and again after it has died. A crash, an endless
 * run or a model that exhausts memory ends that process and becomes an `ERR_BN_DATA` here. One runtime serves any
 * number of models, one after another.
 *
 * @example
 * ```ts
 * import { createCpu } from "@bn/cpu";
 * import { batchNormOf, buildModel } from "@bn/onnx";
 * import { createRuntime, verifyModel } from "@bn/onnx/verify";
 * const one = new Float32Array([1, 1]);
 * const model = buildModel(batchNormOf([one, one, [1], one, one]), { shape: [1, 2, 4, 4] });
 * await using runtime = createRuntime({ timeout: 10 });
 * const { rows } = await verifyModel(model, [await createCpu()], { runtime });
 * console.log(rows[0]!.backends[0]!.status); // passed
 * ```
 */
export function createRuntime(options: RuntimeOptions = {}): Runtime {
  const { timeout = 120, memory = 0.75 * totalmem(), threads = 1, signal } = options;
  const scratch = openScratch();
  let child: Child | null = null;
  let [count, runs, closed] = [0, 0, false];
  const kill = (reason: string) => {
    if (child) child.reason = reason;
    child?.process.kill("SIGKILL");
  };
  const abort = () => kill("it was stopped");
  signal?.addEventListener("abort", abort);
  const living = () => {
    child ??= start(scratch, (dead) => {
      if (child === dead) child = null;
    });
    return child;
  };
  // Starts while the caller reads its model.
  if (!signal?.aborted) living();
  async function ask(op: string, header: Message["header"], parts: Parts): Promise<Message> {
    signal?.throwIfAborted();
    const { process, socket, waiting, ready } = living();
    const id = count++;
    const answer = new Promise<Message>((resolve, reject) => waiting.set(id, { resolve, reject }));
    answer.catch(() => {}); // it may end before it is ready, and is awaited below
    process.ref();
    let timer = setTimeout(() => kill(`its process did not start within ${START} s`), START * 1000);
    const looks = watchMemory(process.pid, memory, kill);
    try {
      await ready;
      clearTimeout(timer);
      timer = setTimeout(() => kill(`it did not finish within ${timeout} s; raise the timeout`), timeout * 1000);
      await send(socket, { ...header, id, op }, parts);
      const { header: found, bytes } = await answer;
      if (typeof found.error === "string") throw new BnError((found.code || "ERR_BN_DATA") as BnErrorCode, found.error);
      return { header: found, bytes };
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(timer);
      clearInterval(looks);
      process.unref();
    }
  }
  return {
    threads,
    async load(model) {
      await ask("load", { threads }, [model]);
      const home = child;
      const runLarge: NonNullable<Loaded["runLarge"]> = async (feeds, apart) => {
        if (child === null || child !== home)
          throw dataError("ONNX Runtime: the process that holds the model has ended");
        const run = ++runs;
        scratch?.clear();
        const { list, parts } = packFeeds(feeds, home.made);
        const { header, bytes } = await ask("run", { feeds: list, apart }, parts);
        const outputs = header.outputs as readonly Packed[];
        const sent = unpack(
          outputs.filter(({ at }) => at === undefined),
          bytes,
        );
        const sources = outputs.map(
          (one) => [one.name, sourceIn(one, sent.get(one.name), () => runs === run)] as const,
        );
        return new Map(sources);
      };
      return {
        runLarge,
        async run(feeds) {
          const sources = [...(await runLarge(feeds, false))];
          return new Map(
            await Promise.all(sources.map(async ([name, source]) => [name, await wholeOf(source)] as const)),
          );
        },
        alive: () => child !== null && child === home,
        async release() {
          if (child === home && child !== null) await ask("release", {}, []);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      signal?.removeEventListener("abort", abort);
      kill("it was disposed");
      if (!closed) scratch?.close();
      closed = true;
    },
  };

  /** An output that was sent, or one in the file, which can be read while `isCurrent`. */
  function sourceIn({ type, shape, at }: Packed, sent: Tensor | undefined, isCurrent: () => boolean): Source {
    if (sent) return sourceOf(sent);
    return {
      ...{ type, shape },
      async read(start, count) {
        const values = new (arrayOf(type))(count);
        const bytes = new Uint8Array(values.buffer);
        if (!isCurrent()) throw dataError("ONNX Runtime: a tensor was read after its run had ended");
        await scratch?.read((at ?? 0) + start * values.BYTES_PER_ELEMENT, bytes);
        return values;
      },
    };
  }
}

function start(scratch: Scratch | null, onEnd: (child: Child) => void): Child {
  // When run from source, as in tests, the child is the built file, because older versions of Node do not run
  // TypeScript.
  const built = import.meta.url.endsWith(".ts") ? "../../dist/verify/child.js" : "./child.js";
  const path = fileURLToPath(new URL(built, import.meta.url));
  const process = spawn(globalThis.process.execPath, ["--expose-gc", path], {
    stdio: ["ignore", "ignore", "ignore", "pipe", scratch?.fd ?? "ignore"],
    // glibc raises this limit to up to 32 MiB, and keeps freed blocks below it in the process.
    env: { ...globalThis.process.env, MALLOC_MMAP_THRESHOLD_: "1048576" },
  });
  const socket = process.stdio[3] as Duplex;
  let isReady = () => {};
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });
  const child: Child = { process, socket, ready, waiting: new Map(), made: new Map(), reason: "" };
  receive(socket, (message) => {
    if (message.header.ready) return isReady();
    const { id } = message.header as { id: number };
    child.waiting.get(id)?.resolve(message);
    child.waiting.delete(id);
  });
  const end = (how: string) => {
    onEnd(child);
    const why = child.reason || `its process ended with ${how}`;
    const cure = child.reason
      ? ""
      : "; this is a fault of ONNX Runtime: report it there, and remove the node from the model";
    const error = dataError(`ONNX Runtime does not run the model: ${why}${cure}`);
    for (const { reject } of child.waiting.values()) reject(error);
    child.waiting.clear();
    isReady();
  };
  socket.on("error", () => {}); // the process has ended; "exit" reports how
  process.on("error", ({ message }) => end(message));
  process.on("exit", (code, signal) => end(signal ?? `exit code ${code}`));
  (socket as Duplex & { unref?(): void }).unref?.();
  process.unref();
  return child;
}

/** Kills a process that uses more than `limit` bytes, if /proc shows its memory. */
function watchMemory(pid: number | undefined, limit: number, kill: (reason: string) => void): NodeJS.Timeout {
  const mebibytes = Math.round(limit / 2 ** 20);
  return setInterval(async () => {
    const text = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    const resident = Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
    if (resident > limit) kill(`it used more than ${mebibytes} MiB of memory; use a smaller input, or raise the limit`);
  }, MS_BETWEEN_LOOKS);
}
