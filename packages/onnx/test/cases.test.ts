import { type Result, runCases, withoutFused } from "@bn/conformance";
import type { Backend, DeviceBuffer, Kernels } from "@bn/core";
import { createCpu } from "@bn/cpu";
import { expect, test } from "vitest";
import { onnxCases } from "../src/verify/index.ts";

const CASES = onnxCases();
const failures = (results: readonly Result[]) =>
  results.filter(({ status }) => status !== "passed").map(({ id, reason }) => [id, reason]);

test("ids are unique and name what they do", () => {
  expect(new Set(CASES.map(({ id }) => id)).size).toBe(CASES.length);
  expect(CASES[0]?.id).toBe("onnxruntime/inference/unit/1x1/float32/plain");
});

test("cpu agrees with ONNX Runtime in every case", async () => {
  const results = await runCases("cpu", createCpu, CASES);
  expect(results.length).toBe(CASES.length);
  expect(failures(results)).toEqual([]);
});

type Wrong = (right: Kernels<DeviceBuffer>) => Partial<Kernels<DeviceBuffer>>;

/** A cpu backend with one wrong kernel and without the fused ones. */
async function createWrong(wrong: Wrong): Promise<Backend> {
  const backend: Backend = withoutFused<DeviceBuffer>(await createCpu());
  return Object.create(backend, { kernels: { value: { ...backend.kernels, ...wrong(backend.kernels) } } });
}

const MUTANTS: Readonly<Record<string, Wrong>> = {
  "eps left out": ({ normalize }) => ({
    normalize: (x, g, stats, _, affine, y) => normalize(x, g, stats, 0, affine, y),
  }),
  "eps ten times too large": ({ normalize }) => ({
    normalize: (x, g, stats, eps, affine, y) => normalize(x, g, stats, eps * 10, affine, y),
  }),
  "beta left out": ({ normalize }) => ({
    normalize: (x, g, stats, eps, affine, y) =>
      normalize(x, g, stats, eps, affine && { ...affine, gamma: affine.gamma, beta: null }, y),
  }),
  "factor ignored": ({ copy }) => ({
    globalStats: (channels, running, stats) => {
      copy(channels, running.mean, stats.mean);
      copy(channels, running.variance, stats.variance);
    },
  }),
  "no m / (m - 1)": ({ movingAverage }) => ({
    movingAverage: (channels, stats, average) =>
      movingAverage(channels, stats, { ...average, running: average.running, correction: 1 }),
  }),
  "fraction inverted": ({ movingAverage }) => ({
    movingAverage: (channels, stats, average) =>
      movingAverage(channels, stats, { ...average, running: average.running, fraction: 1 - average.fraction }),
  }),
  "unbiased variance": ({ moments }) => {
    return {
      moments: (x, g, out) => {
        moments(x, g, out);
        const m = g.outer * g.inner;
        const { view } = out.variance as DeviceBuffer & { view: Float32Array };
        if (m > 1) for (let c = 0; c < g.channels; c++) view[c] = ((view[c] as number) * m) / (m - 1);
      },
    };
  },
};

test.each(Object.entries(MUTANTS))("a backend with %s is found out", async (_, wrong) => {
  const few = CASES.filter(({ id }) => id.includes("/unit/2x3x4x4/"));
  const results = await runCases("wrong", () => createWrong(wrong), few);
  expect(results.length).toBe(12);
  expect(failures(results).length).toBeGreaterThan(0);
});
