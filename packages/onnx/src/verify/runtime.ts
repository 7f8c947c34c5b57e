import { BnError } from "@bn/core";
import { messageOf } from "../graph/proto.ts";

type Ort = typeof import("onnxruntime-node");

/** A tensor on its way into or out of ONNX Runtime. `type` is its name there: `float32`, `float64`, `int64`, ... */
export interface Tensor {
  readonly type: string;
  readonly shape: readonly number[];
  readonly data: unknown;
}

/** A model that ONNX Runtime has loaded. */
export interface Loaded {
  run(feeds: ReadonlyMap<string, Tensor>): Promise<ReadonlyMap<string, Tensor>>;
  release(): Promise<void>;
  /** Whether it can run again: a process that crashed cannot. */
  alive(): boolean;
}

/** Who runs models for `verifyModel`: ONNX Runtime in a process of its own, or in this one. */
export interface Runtime extends AsyncDisposable {
  /**
   * Errors: `ERR_BN_DATA`: it refuses the model or the inputs, crashes, or passes a limit; `ERR_BN_UNAVAILABLE`: it is not
   * there.
   */
  load(model: Uint8Array): Promise<Loaded>;
  /** Threads that one operator may take. Default 1. */
  readonly threads?: number;
}

/**
 * Runs a model once, on the CPU, in this process and without graph optimizations: no node is fused away, so each computes
 * what it would alone. `feeds` go in by name, and all outputs come back.
 *
 * Errors: `ERR_BN_UNAVAILABLE` where onnxruntime-node does not load, `ERR_BN_DATA` with its message where it refuses
 * the model or the inputs. A model that makes it crash ends the process: `createRuntime` is for models from elsewhere.
 */
export async function runModel(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<ReadonlyMap<string, Tensor>> {
  const model = await loadModel(bytes);
  try {
    return await model.run(new Map(Object.entries(feeds)));
  } finally {
    await model.release();
  }
}

/** The same in two steps, for several runs; whoever loads releases. */
export async function loadModel(bytes: Uint8Array, threads = 1): Promise<Loaded> {
  const { InferenceSession, Tensor: OrtTensor } = await onnxRuntime();
  const refuse = (what: string) => (cause: unknown) => {
    throw new BnError("ERR_BN_DATA", `ONNX Runtime ${what}: ${plainWords(messageOf(cause))}`, { cause });
  };
  const session = await InferenceSession.create(bytes, {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "disabled",
    intraOpNumThreads: threads, // to start threads takes longer than most of these models
    enableCpuMemArena: false, // what is freed is free: an arena keeps the most that was ever needed
    enableMemPattern: false,
    logSeverityLevel: 4, // it would write to the terminal what it also throws
  }).catch(refuse("does not load the model"));
  return {
    async run(feeds) {
      try {
        // Without a prototype: an input may be called "constructor" or "__proto__".
        const inputs = Object.create(null);
        for (const [name, { type, data, shape }] of feeds)
          inputs[name] = new OrtTensor(type as "float32", data as Float32Array, shape);
        const outputs = await session.run(inputs);
        return new Map(
          Object.entries(outputs).map(([name, { type, data, dims }]) => [name, { type, data, shape: dims }]),
        );
      } catch (cause) {
        return refuse("does not run the model")(cause);
      }
    },
    release: () => session.release(),
    alive: () => true,
  };
}

/**
 * Its message without the places in its source that it puts before and between: file, line and signature of a function. Of a
 * constructor the name stays, for it may be the operator's.
 */
function plainWords(message: string): string {
  let text = message;
  for (;;) {
    const found = /\S*\.(?:cc|h):\d+ [^(]*\(/.exec(text);
    if (!found) break;
    let [end, depth] = [found.index + found[0].length, 1];
    for (; end < text.length && depth > 0; end++) depth += text[end] === "(" ? 1 : text[end] === ")" ? -1 : 0;
    if (depth > 0) break;
    const rest = text.slice(end).replace(/^ (?:const )?(?:\[with [^\]]*\] ?)?/, "");
    const [, built] = /(\w+)(?:<[^(]*>)?::\1\($/.exec(found[0]) ?? [];
    text = `${text.slice(0, found.index)}${built === undefined ? "" : `${built}: `}${rest}`;
  }
  return text.replace(/\s+/g, " ").trim();
}

/** Why ONNX Runtime cannot be used here, in words, or null. */
export async function onnxRuntimeMissing(): Promise<string | null> {
  return onnxRuntime().then(() => null, messageOf);
}

/** The release of ONNX Runtime that is installed, e.g. "onnxruntime-node 1.30.0". Errors: `ERR_BN_UNAVAILABLE`. */
export async function runtimeVersion(): Promise<string> {
  const { env } = await onnxRuntime();
  return `onnxruntime-node ${env.versions.node ?? env.versions.common}`;
}

async function onnxRuntime(): Promise<Ort> {
  try {
    return await import("onnxruntime-node");
  } catch (cause) {
    throw new BnError(
      "ERR_BN_UNAVAILABLE",
      `onnxruntime-node does not load (${messageOf(cause).split("\n")[0]}); install it beside @bn/onnx, e.g. npm install --ignore-scripts onnxruntime-node`,
      { cause },
    );
  }
}
