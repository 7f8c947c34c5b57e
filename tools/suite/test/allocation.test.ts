import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const main = fileURLToPath(new URL("../allocation/main.ts", import.meta.url));

/** An object per call would be 16 bytes at least. A call site that is compiled late makes a few of them. */
const HALF_AN_OBJECT = 8;

test.each(["cpu", "wasm"])("calls of layers allocate nothing on %s", { timeout: 120_000 }, async (backend) => {
  const { stdout } = await run(process.execPath, ["--expose-gc", main, backend, "20000"]);
  const rows = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { backend: string; layer: string; bytesPerCall: number });
  expect(rows.length).toBe(4);
  for (const row of rows) expect(row.bytesPerCall, JSON.stringify(row)).toBeLessThan(HALF_AN_OBJECT);
});
