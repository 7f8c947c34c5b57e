import type { Backend, Dtype, Geometry } from "@bn/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWasm, type WasmBuffer } from "../src/index.ts";
import { HEAD } from "../src/layout.ts";
import { arrayOf, type Operands, operandsOf, randomOf } from "./kit.ts";

const EPS = 1e-5;
/**
 * Geometries large enough to be shared: planes, planes in blocks, in parts and in parts of outer rows, columns, folded
 * columns, wide columns, several ranges of channels, sums of planes with maps of columns, odd tails.
 */
const GEOMETRIES: readonly Geometry[] = [
  { outer: 8, channels: 16, inner: 3136 },
  { outer: 3, channels: 137, inner: 1501 },
  { outer: 32, channels: 257, inner: 49 },
  { outer: 3, channels: 2, inner: 300_001 },
  { outer: 17, channels: 130, inner: 961 },
  { outer: 20_011, channels: 64, inner: 1 },
  { outer: 40_003, channels: 3, inner: 5 },
  { outer: 100, channels: 5003, inner: 1 },
  { outer: 600, channels: 1003, inner: 1 },
  { outer: 16, channels: 3001, inner: 7 },
  { outer: 100, channels: 257, inner: 16 },
];

/** Runs each kernel on its own operands, and returns every byte that it wrote. */
const RUNS: Record<string, (k: Backend<WasmBuffer>["kernels"], g: Geometry, o: Operands) => void> = {
  moments: (k, g, o) => k.moments(o.x, g, o.stats),
  normalize: (k, g, o) => k.normalize(o.x, g, o.stats, EPS, o.affine, o.y),
  gradSums: (k, g, o) => k.gradSums(o.dy, o.x, g, o.stats, EPS, o.sums, o.grad),
  gradNormalize: (k, g, o) => k.gradNormalize(o.dy, o.x, g, o.stats, EPS, o.affine, o.sums, g.outer * g.inner, o.y),
  forward: (k, g, o) => k.forward?.(o.x, g, o.stats, o.average, EPS, o.affine, o.y),
  backward: (k, g, o) => k.backward?.(o.dy, o.x, g, o.stats, EPS, o.affine, o.sums, o.grad, g.outer * g.inner, o.y),
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
        const random = randomOf(7);
        const values = arrayOf(dtype, g.outer * g.channels * g.inner, () => random() * 4 - 1);
        const operands = backends.map((backend) => operandsOf(backend, dtype, g));
        for (const [kernel, runOn] of Object.entries(RUNS)) {
          const digests = backends.map((backend, i) => {
            const o = operands[i] as Operands;
            o.fill(values);
            runOn(backend.kernels, g, o);
            return o.buffers.map(digestOf);
          });
          expect(digests[1], `${kernel} on 2 threads`).toEqual(digests[0]);
          expect(digests[2], `${kernel} on 4 threads`).toEqual(digests[0]);
        }
        for (const { buffers } of operands) for (const buffer of buffers) buffer.dispose();
      });
    }
  }
});

test("whole results with the same bits, whether helpers are awake, about to sleep or asleep", async () => {
  const backends = await Promise.all([1, 2, 4].map((threads) => createWasm({ threads })));
  const g: Geometry = { outer: 8, channels: 16, inner: 1568 }; // 0.8 MB: such calls wake helpers only at times
  const random = randomOf(11);
  const values = arrayOf("float32", g.outer * g.channels * g.inner, () => random() * 4 - 1);
  const results = [];
  for (const backend of backends) {
    const { kernels } = backend;
    const o = operandsOf(backend, "float32", g);
    o.fill(values);
    const { view } = o.y;
    let missing = 0;
    const call = () => {
      kernels.fill(values.length, 0, o.y);
      kernels.moments(o.x, g, o.stats);
      kernels.normalize(o.x, g, o.stats, EPS, o.affine, o.y);
      // Where the last items lie, read before a helper that was not waited for could finish.
      for (let i = values.length >> 2; i < values.length; i += 509) if (view[i] === 0) missing++;
    };
    const digests = new Set<string>();
    for (const us of [0, 20, 50, 55, 60, 65, 70, 80, 200, 2000]) {
      for (let round = 0; round < 40; round++) {
        call();
        for (const end = performance.now() + us / 1000; performance.now() < end; );
        call();
        digests.add(o.buffers.map(digestOf).join());
      }
    }
    expect(missing).toBe(0);
    results.push([...digests]);
    for (const buffer of o.buffers) buffer.dispose();
  }
  expect(results[0]).toHaveLength(1);
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
  await Promise.all(backends.map((backend) => backend.dispose()));
}, 60_000);

/** How often the backend that owns `buffer` has shared work with its helpers. */
const sharedJobs = ({ view }: WasmBuffer) => new Uint32Array(view.buffer, HEAD, 2)[1] as number;

// 1 to 3 MB: after pauses such calls do not wake helpers at first, but a loop of them must, whatever their walk is.
test.each([
  { outer: 4096, channels: 64, inner: 1 },
  { outer: 8, channels: 512, inner: 49 },
])("a loop of calls after pauses wakes the helpers: %o", async (g) => {
  await using backend = await createWasm({ threads: 2 });
  const o = operandsOf(backend, "float32", g);
  const kernels = ["moments", "normalize", "gradSums", "gradNormalize", "forward", "backward", "scale", "scaleSums"];
  const asleep: string[] = [];
  for (const kernel of kernels) {
    for (let pauses = 0; pauses < 12; pauses++) {
      RUNS[kernel]?.(backend.kernels, g, o);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const before = sharedJobs(o.x);
    for (let call = 0; call < 128; call++) RUNS[kernel]?.(backend.kernels, g, o);
    if (sharedJobs(o.x) === before) asleep.push(kernel);
  }
  expect(asleep).toEqual([]);
});

/** FNV-1a over the buffer's words; any bit that differs changes it. */
function digestOf(buffer: WasmBuffer): number {
  const { view } = buffer;
  const words = new Uint32Array(view.buffer, view.byteOffset, view.byteLength / 4);
  let hash = 0x811c9dc5;
  for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ (words[i] as number), 0x01000193);
  return hash >>> 0;
}
