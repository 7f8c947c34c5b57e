import { BnError } from "@bn/core";
import { messageOf } from "../graph/proto.ts";

type Ort = typeof import("onnxruntime-node");

/** A tensor on its way into or out of ONNX Runtime. `type` is its name there: `float32`, `float64`, `int64`, ... */
export interface Tensor {
  readonly type: string;
  readonly shape: readonly number[];
  readonly data: unknown;
}

/**
 * Runs a model once, on the CPU and without graph optimizations: no node is fused away, so each computes what it
 * would alone. `feeds` go in by name, and all outputs come back.
 *
 * Errors: `ERR_BN_UNAVAILABLE` where onnxruntime-node does not load, `ERR_BN_DATA` with its message where it refuses
 * the model or the inputs.
 */
export async function runModel(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<ReadonlyMap<string, Tensor>> {
  const model = await loadModel(bytes);
  try {
    return await model.run(feeds);
  } finally {
    await model.release();
  }
}

interface LoadedModel {
  run(feeds: Readonly<Record<string, Tensor>>): Promise<ReadonlyMap<string, Tensor>>;
  release(): Promise<void>;
}

/** The same in two steps, for several runs; whoever loads releases. */
export async function loadModel(bytes: Uint8Array): Promise<LoadedModel> {
  const { InferenceSession, Tensor: OrtTensor } = await onnxRuntime();
  const refuse = (what: string) => (cause: unknown) => {
    throw new BnError("ERR_BN_DATA", `ONNX Runtime ${what}: ${messageOf(cause)}`, { cause });
  };
  const session = await InferenceSession.create(bytes, {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "disabled",
    intraOpNumThreads: 1, // to start threads takes longer than most of these models
    logSeverityLevel: 4, // it would write to the terminal what it also throws
  }).catch(refuse("does not load the model"));
  return {
    async run(feeds) {
      try {
        const inputs = Object.entries(feeds).map(([name, { type, data, shape }]) => {
          return [name, new OrtTensor(type as "float32", data as Float32Array, shape)];
        });
        const outputs = await session.run(Object.fromEntries(inputs));
        return new Map(
          Object.entries(outputs).map(([name, { type, data, dims }]) => [name, { type, data, shape: dims }]),
        );
      } catch (cause) {
        return refuse("does not run the model")(cause);
      }
    },
    release: () => session.release(),
  };
}

/** Why ONNX Runtime cannot be used here, in words, or null. */
export async function onnxRuntimeMissing(): Promise<string | null> {
  return onnxRuntime().then(() => null, messageOf);
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
