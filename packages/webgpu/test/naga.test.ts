import { join } from "node:path";
import type { Result } from "@bn/conformance";
import { denoProgram, runInDeno } from "@bn/gpu-setup";
import { describe, expect, it } from "vitest";
import { SHADERS } from "../src/generated/shaders.ts";
import { createWebGpu } from "../src/index.ts";

interface Report {
  readonly adapter: string;
  readonly results: readonly Result[];
  /** The result of splitMoments for 1, 2, 3, 6. */
  readonly split: readonly number[];
  /** With the variants for GPUs, the mean, variance and sum dy / m of channels that are 1 in half of the rows and 3 in the others. */
  readonly sums: readonly (readonly number[])[];
  /** With the same variants, y of eight values in two channels, each 1 in half of the rows and 3 in the others, and dx with dy = x. */
  readonly fused: readonly number[];
  /** The contract's kernels that were called. */
  readonly called: readonly string[];
  /** The labels of the pipelines that were created. */
  readonly pipelines: readonly string[];
}

/**
 * Node and Chromium compile WGSL with Tint. This test compiles the same files with wgpu and naga, which Firefox uses.
 */
const MODULE = `
import { cases, runCases } from "@bn/conformance";
import { createWebGpu } from "@bn/webgpu";

const pipelines = new Set();
const { createComputePipeline } = GPUDevice.prototype;
GPUDevice.prototype.createComputePipeline = function (descriptor) {
  pipelines.add(descriptor.label);
  return createComputePipeline.call(this, descriptor);
};
const called = new Set();
let adapter = "";
async function create() {
  const backend = await createWebGpu({ tuning: { copies: true } });
  adapter = backend.supports.details.adapter;
  for (const [name, kernel] of Object.entries(backend.kernels)) {
    backend.kernels[name] = (...operands) => {
      called.add(name);
      return kernel(...operands);
    };
  }
  return backend;
}
// Keeps cases of a single shape: a case with many shapes takes minutes on a software GPU and compiles no further file.
const oneShape = (id) => /^[0-9]+x[0-9]+x[0-9]+$/.test(id.split("/")[2]);
const chosen = cases({ tier: "quick" }).filter(({ group, id }) => group === "exact" || (group === "kernels" && oneShape(id)));
const results = await runCases("webgpu", create, chosen);
const backend = await create();
const [x, mean, meanLow, m2] = [4, 1, 1, 1].map((length) => backend.alloc("float32", length));
backend.write(x, Float32Array.of(1, 2, 3, 6));
backend.kernels.splitMoments(x, { outer: 4, channels: 1, inner: 1 }, { mean, meanLow, m2 });
const split = await Promise.all([mean, meanLow, m2].map(async (one) => (await backend.read(one, 1))[0]));
const gpuLike = await createWebGpu({ tuning: { workgroup: 64, busy: 64, items: 4, copies: true } });
const sums = [];
for (const [outer, channels, inner] of [[8200, 8, 1], [4100, 3, 1], [2, 1, 16384]]) {
  const g = { outer, channels, inner };
  const row = channels * inner;
  const tensor = gpuLike.alloc("float32", outer * row);
  gpuLike.write(tensor, Float32Array.from({ length: outer * row }, (_, i) => (Math.floor(i / row) % 2 ? 3 : 1)));
  const [mean, variance, dy, dyXhat] = [0, 1, 2, 3].map(() => gpuLike.alloc("float32", channels));
  gpuLike.kernels.moments(tensor, g, { mean, variance });
  gpuLike.kernels.gradSums(tensor, tensor, g, { mean, variance }, 0, { dy, dyXhat }, null);
  const [means, variances, totals] = await Promise.all([mean, variance, dy].map((one) => gpuLike.read(one, channels)));
  for (let c = 0; c < channels; c++) sums.push([means[c], variances[c], totals[c] / (outer * inner)]);
}
const g = { outer: 2, channels: 2, inner: 2 };
const tensor = gpuLike.alloc("float32", 8);
gpuLike.write(tensor, Float32Array.of(1, 1, 1, 1, 3, 3, 3, 3));
const [y, dx] = [0, 1].map(() => gpuLike.alloc("float32", 8));
const [one, two, three, four] = [0, 1, 2, 3].map(() => gpuLike.alloc("float32", 2));
gpuLike.kernels.forward(tensor, g, { mean: one, variance: two }, null, 0, null, y);
gpuLike.kernels.backward(tensor, tensor, g, { mean: one, variance: two }, 0, null, { dy: three, dyXhat: four }, null, 4, dx);
const fused = [...(await gpuLike.read(y, 8)), ...(await gpuLike.read(dx, 8))];
console.log(JSON.stringify({ split, sums, fused, adapter, results, called: [...called], pipelines: [...pipelines] }));
`;

const program = denoProgram();
const where = `${process.platform}-${process.arch}`;

describe.skipIf(program === null)(`naga${program ? "" : ` (skipped: npm's deno has no program for ${where})`}`, () => {
  it("compiles every kernel, and each case of them passes as under Tint", { timeout: 600_000 }, async () => {
    const packages = join(import.meta.dirname, "../..");
    const roots = ["conformance", "webgpu"].map((name) => join(packages, name));
    const report = JSON.parse(await runInDeno(program as string, MODULE, roots)) as Report;

    expect(report.adapter).toMatch(/\w/);
    expect(report.results.filter(({ status }) => status === "failed")).toEqual([]);
    expect(report.results.filter(({ status }) => status === "passed").length).toBeGreaterThan(60);
    expect(report.split).toEqual([3, 0, 14]);
    expect(report.sums).toEqual(Array(8 + 3 + 1).fill([2, 1, 2]));
    expect(report.fused).toEqual([-1, -1, -1, -1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    await using here = await createWebGpu();
    expect([...report.called].sort()).toEqual(Object.keys(here.kernels).sort());
    const compiled = new Set(report.pipelines.map((label) => label.split(" ")[1]));
    expect([...compiled].sort()).toEqual(Object.keys(SHADERS).sort());
  });
});
