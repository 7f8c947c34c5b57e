import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

/** Runs a module against the built package in a new Node process, with flags that disable features. */
async function inNode(flags: readonly string[], code: string): Promise<unknown> {
  const url = new URL("../dist/index.js", import.meta.url).href;
  const source = `import { createWasm } from ${JSON.stringify(url)};\n${code}`;
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, "--input-type=module", "-e", source]);
  return JSON.parse(stdout);
}

const TRY = `const told = await createWasm().then(({ supports }) => supports, ({ code, message }) => ({ code, message }));
console.log(JSON.stringify(told));`;

test("without WebAssembly: unavailable, with a cure", async () => {
  const told = await inNode(["--jitless"], TRY);
  expect(told).toMatchObject({ code: "ERR_BN_UNAVAILABLE", message: expect.stringContaining("use @bn/cpu") });
});

test.runIf(process.arch === "x64")("without SIMD: unavailable, with a cure", async () => {
  const told = await inNode(["--no-enable-sse4-1"], TRY);
  expect(told).toMatchObject({ code: "ERR_BN_UNAVAILABLE", message: expect.stringContaining("128-bit SIMD") });
});

test("without atomic instructions: unavailable, with a cure", async () => {
  const lacking = `const { validate } = WebAssembly;
    WebAssembly.validate = (bytes) => !bytes.includes(0xfe) && validate(bytes);`;
  const told = await inNode([], `${lacking}\n${TRY}`);
  expect(told).toMatchObject({ code: "ERR_BN_UNAVAILABLE", message: expect.stringContaining("atomic instructions") });
});

test("without shared memory: one thread, and why", async () => {
  const told = await inNode([], `delete globalThis.SharedArrayBuffer;\n${TRY}`);
  expect(told).toMatchObject({
    threads: 1,
    details: { simd: "on", threads: expect.stringMatching(/^off: no shared memory/) },
  });
});

test("a process ends although nobody disposed", async () => {
  const code = `const wasm = await createWasm({ threads: 4 }); console.log(JSON.stringify(wasm.supports.threads));`;
  expect(await inNode([], code)).toBe(4);
});
