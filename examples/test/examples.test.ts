import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { launchBrowser } from "@bn/gpu-setup";
import { createServer } from "vite";
import { describe, expect, it } from "vitest";

const FOLDER = fileURLToPath(new URL("../", import.meta.url));

/** The output of an example, run by the command in its first line. */
async function printed(path: string): Promise<string> {
  const args = ["--import", "@bn/gpu-setup/register", path];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: FOLDER });
  return stdout;
}

/** Checks that the network has learnt: its loss is below a tenth of the first one, and all its answers are right. */
function expectLearnt(text: string): void {
  const [, first, last, right] = /cross-entropy (\S+) -> (\S+), (\S+) % right/.exec(text) ?? [];
  expect(Number(first), text).toBeGreaterThan(0.5);
  expect(Number(last), text).toBeLessThan(Number(first) / 10);
  expect(Number(right), text).toBe(100);
}

it("train-in-node", async () => {
  expectLearnt(await printed("train-in-node/main.ts"));
});

it("caffe-to-onnx", async () => {
  const text = await printed("caffe-to-onnx/main.ts");
  expect(text).toMatch(/^23 BatchNorm layers: 23 of 23 within their bounds, the worst at 0\.\d\d of it$/m);
  expect(text).toMatch(/^layer33-conv: 882 values, from -?\d+\.\d\d to -?\d+\.\d\d$/m);
});

it("swap-a-backend: the same on every backend", async () => {
  const lines = (await printed("swap-a-backend/main.ts")).trim().split("\n");
  expect(lines.map((line) => line.split(":")[0])).toEqual(["cpu", "wasm", "webgpu"]);
  for (const line of lines) expectLearnt(line);
});

it("train-in-browser, on WebGPU", async () => {
  const server = await createServer({
    root: `${FOLDER}train-in-browser`,
    configFile: false,
    logLevel: "silent",
    server: { host: "127.0.0.1", port: 0, hmr: false, watch: null },
  });
  const browser = await launchBrowser();
  try {
    await server.listen();
    const address = server.httpServer?.address();
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${typeof address === "object" && address?.port}/`);
    await page.waitForFunction(() => document.querySelector("output")?.value.startsWith("training") === false);
    expectLearnt(await page.evaluate(() => document.querySelector("output")?.value ?? ""));
  } finally {
    await browser.close();
    await server.close();
  }
});

describe("write-a-backend", () => {
  const guide = readFileSync(new URL("../../docs/adding-a-backend.md", import.meta.url), "utf8");

  // The guide's code, with its suite and planted mistakes, runs in tools/docs; the release rehearsal builds the
  // package.
  it.each(["mine.ts", "mine.test.ts"])("%s is that of the guide", (file) => {
    const code = guide.split(`\`\`\`ts file=${file}\n`)[1]?.split("```")[0];
    expect(readFileSync(`${FOLDER}write-a-backend/${file}`, "utf8")).toBe(code);
  });
});
