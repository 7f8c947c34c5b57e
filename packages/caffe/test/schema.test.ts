import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const PACKAGE = fileURLToPath(new URL("../", import.meta.url));

test("caffe_pb.ts is what buf makes of caffe.proto", () => {
  const folder = mkdtempSync(join(tmpdir(), "bn-caffe-"));
  try {
    const buf = join(dirname(createRequire(import.meta.url).resolve("@bufbuild/buf/package.json")), "bin/buf");
    const { status, stderr } = spawnSync(process.execPath, [buf, "generate", "-o", folder], {
      cwd: PACKAGE,
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, ""]);
    const path = "src/schema/caffe_pb.ts";
    expect(readFileSync(join(folder, path), "utf8")).toBe(readFileSync(join(PACKAGE, path), "utf8"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
