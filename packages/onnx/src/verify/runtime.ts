import { BnError } from "@bn/core";
import { dataError } from "../graph/errors.ts";
import { messageOf } from "../graph/proto.ts";
import type { Feed, Source } from "./large.ts";

type Ort = typeof import("onnxruntime-node");

/** A tensor that is passed to or from ONNX Runtime. `type` is its name there: `float32`, `float64`, `int64`, ... */
export interface Tensor {
  readonly type: string;
  readonly shape: readonly number[];
  readonly data: unknown;
}

/** A model that ONNX Runtime has loaded. */
export interface Loaded {
  run(feeds: ReadonlyMap<string, Tensor>): Promise<ReadonlyMap<string, Tensor>>;
  /**
   * The same for tensors that are too large to be in memory as a whole. With `apart`, outputs are computed one after another,
   * so that at most one of them is in memory. Sources can be read until the next run. If it is absent, `run` is used.
   */
  runLarge?(feeds: ReadonlyMap<string, Feed>, apart: boolean): Promise<ReadonlyMap<string, Source>>;
  release(): Promise<void>;
  /** Whether the model can run again, which it cannot after its process has crashed. */
  alive(): boolean;
}

/** Runs models for `verifyModel`: ONNX Runtime in a separate process, or in this one. */
export interface Runtime extends AsyncDisposable {
  /**
   * Errors: `ERR_BN_DATA` if it refuses the model or the inputs, crashes, or exceeds a limit; `ERR_BN_UNAVAILABLE` if
   * it is missing.
   */
  load(model: Uint8Array): Promise<Loaded>;
  /** Threads per operator. Default 1. */
  readonly threads?: number;
}

/**
 * Runs a model once, on the CPU, in this process and without graph optimizations, so that no node is fused and each
 * computes its own result. `feeds` are the inputs by name. All outputs are returned.
 *
 * Errors: `ERR_BN_UNAVAILABLE` if onnxruntime-node does not load; `ERR_BN_DATA` with its message if it refuses the
 * model or the inputs. A model that crashes it ends this process; use `createRuntime` for models that you do not trust.
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

/** A model in this process. A run may compute some of its outputs only. */
export interface Session extends Loaded {
  readonly outputs: readonly string[];
  run(feeds: ReadonlyMap<string, Tensor>, outputs?: readonly string[]): Promise<ReadonlyMap<string, Tensor>>;
}

/** The same in two steps, for several runs. The caller releases the model. */
export async function loadModel(bytes: Uint8Array, threads = 1): Promise<Session> {
  const { InferenceSession, Tensor: OrtTensor } = await onnxRuntime();
  const refuse = (what: string) => (cause: unknown) => {
    throw dataError(`ONNX Runtime ${what}: ${plainWords(messageOf(cause))}`, cause);
  };
  const session = await InferenceSession.create(bytes, {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "disabled",
    intraOpNumThreads: threads, // starting threads takes longer than running most of these models
    enableCpuMemArena: false, // frees memory at once; an arena would keep the largest amount that was ever needed
    enableMemPattern: false,
    logSeverityLevel: 4, // otherwise it would write its errors to the terminal as well as throw them
  }).catch(refuse("does not load the model"));
  return {
    outputs: session.outputNames,
    async run(feeds, names = session.outputNames) {
      try {
        // The object has no prototype, because an input may be called "constructor" or "__proto__".
        const inputs = Object.create(null);
        for (const [name, { type, data, shape }] of feeds)
          inputs[name] = new OrtTensor(type as "float32", data as Float32Array, shape);
        const outputs = await session.run(inputs, names);
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
 * The message without the source locations that ONNX Runtime inserts: file, line and signature of a function. The name
 * of a constructor is kept, because it may be the operator's.
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

/** The reason why ONNX Runtime cannot be used here, in words, or null. */
export async function onnxRuntimeMissing(): Promise<string | null> {
  return onnxRuntime().then(() => null, messageOf);
}

/** The installed release of ONNX Runtime, e.g. "onnxruntime-node 1.30.0". Errors: `ERR_BN_UNAVAILABLE`. */
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
      `onnxruntime-node does not load (${messageOf(cause).split("\n")[0]}); install it next to @bn/onnx, e.g. npm install --ignore-scripts onnxruntime-node`,
      { cause },
    );
  }
}
