import { BnError } from "@bn/core";
import type { Loaded, Runtime, Tensor } from "@bn/onnx/web";
import { ort, setUpOrt } from "../parts/ort.ts";

/**
 * ONNX Runtime in this worker, on its CPU provider, without graph optimizations, so that each node computes its own
 * result.
 */
export function createWebRuntime(): Runtime {
  setUpOrt();
  return { load, [Symbol.asyncDispose]: async () => {} };
}

async function load(model: Uint8Array): Promise<Loaded> {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "disabled",
    enableCpuMemArena: false,
    enableMemPattern: false,
    logSeverityLevel: 4,
  }).catch((cause: unknown) => refuse("does not load the model", cause));
  return {
    async run(feeds) {
      // The object has no prototype, because an input may be called "constructor".
      const inputs: Record<string, ort.Tensor> = Object.create(null);
      for (const [name, { type, data, shape }] of feeds) {
        inputs[name] = new ort.Tensor(type as "float32", data as Float32Array, shape);
      }
      const outputs = await session.run(inputs).catch((cause: unknown) => refuse("does not run the model", cause));
      const tensors = Object.entries(outputs).map(([name, { type, data, dims }]): [string, Tensor] => [
        name,
        { type, data, shape: dims },
      ]);
      return new Map(tensors);
    },
    release: () => session.release(),
    alive: () => true,
  };
}

function refuse(what: string, cause: unknown): never {
  const why = cause instanceof Error ? cause.message : String(cause);
  throw new BnError("ERR_BN_DATA", `ONNX Runtime ${what}: ${why}`, { cause });
}
