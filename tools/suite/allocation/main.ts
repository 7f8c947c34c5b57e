/**
 * `node --expose-gc allocation/main.ts BACKEND CALLS` counts what calls of layers allocate on the JavaScript heap, after the
 * optimizing compiler has seen them: bytes per call from V8's sampling profiler, collected ones included; collections;
 * and how far the heap grew. A call is a forward and, in training, a backward. It prints one JSON line per layer. One
 * backend per process: a call site that has seen several is compiled for none of them.
 */
import { Session } from "node:inspector/promises";
import { PerformanceObserver } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { type Backend, createBatchNorm, createBatchNormScale, createBlob, createScale, type Layer } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { createWasm } from "@bn/wasm";

const SHAPE = [4, 8];
/** Runs until the optimizing compiler has compiled every function that a call reaches. */
const WARM = 30_000;
/** The average number of bytes between two samples of the profiler. */
const INTERVAL = 256;

const BACKENDS: Readonly<Record<string, () => Promise<Backend>>> = {
  cpu: () => createCpu(),
  wasm: () => createWasm({ threads: 1 }),
};

interface Counted {
  readonly layer: Layer;
  /** Whether a call has a backward. */
  readonly trains: boolean;
}

const LAYERS: Readonly<Record<string, () => Counted>> = {
  BatchNorm: () => ({ layer: createBatchNorm(), trains: true }),
  "BatchNorm, test": () => ({ layer: createBatchNorm({ phase: "test" }), trains: false }),
  BatchNormScale: () => ({ layer: createBatchNormScale({ biasTerm: true }), trains: true }),
  Scale: () => ({ layer: createScale({ biasTerm: true }), trains: true }),
};

const [name = "cpu", count = "1000000"] = process.argv.slice(2);
const calls = Number(count);
let collections = 0;
new PerformanceObserver((list) => {
  collections += list.getEntries().length;
}).observe({ entryTypes: ["gc"] });
const session = new Session();
session.connect();

const backend = await BACKENDS[name]?.();
if (backend === undefined) throw new RangeError(`${name}: expected one of ${Object.keys(BACKENDS).join(", ")}`);
for (const [title, create] of Object.entries(LAYERS)) await measure(backend, title, create());
await backend.dispose();
session.disconnect();

async function measure(backend: Backend, title: string, { layer, trains }: Counted): Promise<void> {
  const [bottom, top] = [[createBlob(backend, SHAPE)], [createBlob(backend)]];
  bottom[0]?.write(Float32Array.from({ length: 32 }, (_, i) => i));
  layer.setUp(bottom, top);
  const down = [true];
  const run = (times: number) => {
    for (let i = 0; i < times; i++) {
      layer.forward(bottom, top);
      if (trains) layer.backward(top, down, bottom);
    }
  };
  layer.forward(bottom, top);
  top[0]?.writeDiff(new Float32Array(32).fill(1));
  for (let i = 0; i < 3; i++) {
    run(WARM);
    await setTimeout(50); // compilation ends on another thread
  }
  globalThis.gc?.();
  await setTimeout(20);
  collections = 0;
  const before = process.memoryUsage().heapUsed;
  run(calls);
  const grown = process.memoryUsage().heapUsed - before;
  await setTimeout(20);
  const found = collections;
  const bytesPerCall = (await sampled(() => run(calls))) / calls;
  process.stdout.write(
    `${JSON.stringify({ backend: backend.name, layer: title, calls, bytesPerCall, collections: found, grown })}\n`,
  );
  layer.dispose();
  for (const blob of [...bottom, ...top]) blob.dispose();
}

/** The bytes that `work` allocates, including those collected in the meantime, without the profiler's own. */
async function sampled(work: () => void): Promise<number> {
  await session.post("HeapProfiler.startSampling", {
    samplingInterval: INTERVAL,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  work();
  const { profile } = await session.post("HeapProfiler.stopSampling");
  const sum = (node: typeof profile.head): number =>
    (node.callFrame.url.startsWith("file:") ? node.selfSize : 0) +
    node.children.reduce((all, one) => all + sum(one), 0);
  return sum(profile.head);
}
