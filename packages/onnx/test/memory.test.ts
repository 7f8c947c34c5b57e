import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

// /proc tells what a process held at most. The long form: node test/memory.ts 16 64 512, a network of 1 GiB of activations.
const isLinux = process.platform === "linux";
const script = fileURLToPath(new URL("memory.ts", import.meta.url));

interface Held {
  readonly passed: number;
  readonly activations: number;
  readonly parent: number;
  readonly engine: number;
}

async function held(nodes: number, channels: number, side: number): Promise<Held> {
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...[nodes, channels, side].map(String)]);
  return JSON.parse(stdout);
}

test.runIf(isLinux)("memory does not grow with the sum of all activations", { timeout: 240_000 }, async () => {
  const [few, many] = [await held(16, 16, 256), await held(64, 16, 256)];
  expect([few.passed, many.passed]).toEqual([16, 64]);
  const more = many.activations - few.activations;
  expect(more).toBe(192);
  expect(many.engine - few.engine).toBeLessThan(more / 2);
  expect(many.parent - few.parent).toBeLessThan(more / 4);
});

test.runIf(isLinux)(
  "a large tensor is never whole on our side, and at most three times on ONNX Runtime's",
  {
    timeout: 240_000,
  },
  async () => {
    const [base, large] = [await held(1, 3, 4), await held(1, 32, 1024)];
    const tensor = large.activations / 2;
    expect([large.passed, tensor]).toEqual([1, 128]);
    // The rest are parts of 8 MiB and what the engine has not collected yet.
    expect(large.engine - base.engine).toBeLessThan(3.75 * tensor);
    expect(large.parent - base.parent).toBeLessThan(1.25 * tensor);
  },
);
