import { type Implementation, PLAIN_SUMS } from "../implementation.ts";
import { importPeer, resolvePeer } from "./install.ts";
import { prepareTfjs, type Tf } from "./tfjs-layer.ts";

/** tfjs on its wasm or cpu backend, on one thread. */
export async function tfjs(backend: "wasm" | "cpu"): Promise<Implementation> {
  const tf = await importPeer<Tf & { getBackend(): string }>("@tensorflow/tfjs-core");
  if (backend === "wasm") {
    const wasm = await importPeer<{ setWasmPaths(prefix: string): void; setThreadsCount(count: number): void }>(
      "@tensorflow/tfjs-backend-wasm",
    );
    wasm.setWasmPaths(resolvePeer("@tensorflow/tfjs-backend-wasm").replace(/[^/]+$/, ""));
    wasm.setThreadsCount(1);
  } else {
    await importPeer("@tensorflow/tfjs-backend-cpu");
  }
  const before = async () => {
    if (tf.getBackend() !== backend) await tf.setBackend(backend);
  };
  return {
    name: `tfjs-${backend}`,
    threads: 1,
    tolerance: PLAIN_SUMS,
    async prepare(job, inputs) {
      if (job.dtype !== "float32") return null;
      await before();
      if (tf.getBackend() !== backend) throw new Error(`tfjs did not start its ${backend} backend`);
      return prepareTfjs(tf, job, inputs, { before });
    },
    close: async () => {},
  };
}
