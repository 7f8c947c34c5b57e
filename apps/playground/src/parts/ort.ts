import { batchNormOf, buildModel } from "@bn/onnx";
import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import * as ort from "onnxruntime-web/wasm";

export { ort };

/**
 * ONNX Runtime in WebAssembly, on one thread: more threads would each need a script of their own, which a bundle does
 * not have.
 */
export function setUpOrt(): typeof ort {
  ort.env.wasm.wasmPaths = { wasm: new URL(wasmUrl, import.meta.url).href };
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "fatal"; // otherwise it prints errors as well as throwing them
  return ort;
}

export interface StoredNorm {
  readonly mean: Float32Array;
  readonly variance: Float32Array;
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  readonly eps: number;
}

/** A session of one BatchNormalization with stored statistics, for X of `shape`. */
export function normSession(
  { mean, variance, gamma, beta, eps }: StoredNorm,
  shape: readonly number[],
): Promise<ort.InferenceSession> {
  const model = buildModel(batchNormOf([mean, variance, [1], gamma, beta], { eps }), { shape });
  return setUpOrt().InferenceSession.create(model, { executionProviders: ["wasm"], logSeverityLevel: 4 });
}
