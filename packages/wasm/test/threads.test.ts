import type { Backend, Dtype, Geometry } from "@bn/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWasm, type WasmBuffer } from "../src/index.ts";
import { compile, instantiate } from "../src/module.ts";
import { startPool } from "../src/pool.ts";
import { operandsOf } from "./kit.ts";

const EPS = 1e-5;
/** Large enough to be shared: planes, planes in parts, columns, folded columns, wide columns, odd tails. */
const GEOMETRIES: readonly Geometry[] = [
  { outer: 8, channels: 16, inner: 3136 },
  { outer: 32, channels: 257, inner: 49 },
  { outer: 3, channels: 2, inner: 300_001 },
  { outer: 20_011, channels: 64, inner: 1 },
  { outer: 40_003, channels: 3, inner: 5 },
  { outer: 100, channels: 5003, inner: 1 },
];

/** Each kernel on its own operands, then every byte that it wrote. */
const RUNS: Record<string, (k: Backend<WasmBuffer>["kernels"], g: Geometry, o: ReturnType<typeof operandsOf>) => void> = {
  moments: (k, g, o) => k.moments(o.x, g, o.stats),
  normalize: (k, g, o) => k.normalize(o.x, g, o.stats, EPS, o.affine, o.y),
  gradSums: (k, g, o) => k.gradSums(o.dy, o.x, g, o.stats, EPS, o.sums, o.grad),
  gradNormalize: (k, g, o) => k.gradNormalize(o.dy, o.x, g, o.stats, EPS, o.affine, o.sums, o.y),
  forward: (k, g, o) => k.forward?.(o.x, g, o.stats, o.average, EPS, o.affine, o.y),
  backward: (k, g, o) => k.backward?.(o.dy, o.x, g, o.stats, EPS, o.affine, o.sums, o.grad, o.y),
  scale: (k, g, o) => k.scale(o.x, g, o.affine, o.y),
  scaleSums: (k, g, o) => k.scaleSums(o.dy, o.x, g, o.grad.gamma, o.grad.beta),
  copy: (k, g, o) => k.copy(g.outer * g.channels * g.inner, o.x, o.y),
  fill: (k, g, o) => k.fill(g.outer * g.channels * g.inner, 2.5, o.y),
};

describe("the same bits on 1, 2 and 4 threads", () => {
  let backends: Backend<WasmBuffer>[] = [];
  beforeAll(async () => {
    backends = await Promise.all([1, 2, 4].map((threads) => createWasm({ threads })));
    expect(backends.map((backend) => backend.supports.threads)).toEqual([1, 2, 4]);
  });
  afterAll(() => Promise.all(backends.map((backend) => backend.dispose())));

  for (const dtype of ["float32", "float64"] as const satisfies Dtype[]) {
    for (const g of GEOMETRIES) {
      test(`${g.outer}x${g.channels}x${g.inner} ${dtype}`, { timeout: 60_000 }, () => {
        for (const [kernel, runOn] of Object.entries(RUNS)) {
          const digests = backends.map((backend) => {
            const o = operandsOf(backend, dtype, g, 7);
            runOn(backend.kernels, g, o);
            const digest = o.buffers.map((buffer) => digestOf(buffer));
            o.dispose();
            return digest;
          });
          expect(digests[1], `${kernel} on 2 threads`).toEqual(digests[0]);
          expect(digests[2], `${kernel} on 4 threads`).toEqual(digests[0]);
        }
      });
    }
  }
});

/** FNV-1a over the buffer's words: any bit that differs changes it. */
function digestOf(buffer: WasmBuffer): number {
  const { view } = buffer;
  const words = new Uint32Array(view.buffer, view.byteOffset, view.byteLength / 4);
  let hash = 0x811c9dc5;
  for (const word of words) hash = Math.imul(hash ^ word, 0x01000193);
  return hash >>> 0;
}

describe("a helper that is lost", () => {
  const memoryOf = () => new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });

  test("is told by the next read() and finish(), with a cure", async () => {
    const memory = memoryOf();
    const module = await compile(true);
    const wasm = await instantiate(module, memory, () => {});
    let told = 0;
    const pool = await startPool({ module, memory, scratch: wasm.heapBase(), helpers: 2, failed: () => told++ });
    expect(pool.failure).toBeNull();
    pool.threads[0]?.terminate();
    await expect.poll(() => pool.failure?.code).toBe("ERR_BN_DEVICE");
    expect(pool.failure?.message).toMatch(/a helper thread was lost \(it exited with code 1\).*create another/s);
    expect(told).toBe(1);
    await pool.dispose();
  });

  test("does not hang a job that it left unfinished", async () => {
    const memory = memoryOf();
    const module = await compile(true);
    const wasm = await instantiate(module, memory, () => {});
    let terminated = 0;
    const pool = await startPool({
      module,
      memory,
      scratch: wasm.heapBase(),
      helpers: 1,
      patience: 50,
      failed: () => wasm.configure(wasm.heapBase(), 0),
      // A thread that says it is ready, and then does nothing.
      spawn: (events) => ({
        post: () => queueMicrotask(events.ready),
        unref: () => {},
        terminate: async () => {
          terminated++;
        },
      }),
    });
    pool.settle(3);
    expect(pool.failure?.code).toBe("ERR_BN_DEVICE");
    expect(pool.failure?.message).toMatch(/3 of 3 parts unfinished after 0.05 s/);
    expect(terminated).toBe(1);
  });

  test("that never starts leaves one thread, and the reason", async () => {
    const memory = memoryOf();
    const module = await compile(true);
    const spawn = (events: { dead(reason: string): void }) => ({
      post: () => queueMicrotask(() => events.dead("no worker-src blob:")),
      unref: () => {},
      terminate: async () => {},
    });
    const options = { module, memory, scratch: 4096, helpers: 1, failed: () => {}, spawn };
    await expect(startPool(options)).rejects.toThrow("no worker-src blob:");
  });
});

test("helpers end with the backend", async () => {
  const before = process.getActiveResourcesInfo().filter((name) => name === "Worker").length;
  const wasm = await createWasm({ threads: 4 });
  await wasm.dispose();
  await expect.poll(() => process.getActiveResourcesInfo().filter((name) => name === "Worker").length).toBe(before);
});
