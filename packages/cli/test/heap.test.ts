import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { heapOptions } from "../src/judge/heap.ts";

const versions = (own: Partial<NodeJS.ProcessVersions>) => heapOptions({ ...process.versions, ...own });

test("Node 24 gets options for its heap, and engines that may refuse them get none", () => {
  expect(versions({ node: "24.1.0" })).toHaveLength(2);
  for (const own of [{ node: "20.19.0" }, { node: "22.12.0" }, { node: "240.0.0" }, { node: "26.0.0" }]) {
    expect(versions(own)).toEqual([]);
  }
  expect(versions({ node: "24.1.0", bun: "1.3.0" })).toEqual([]);
  expect(versions({ node: "24.1.0", deno: "2.5.0" })).toEqual([]);
});

test("this engine starts with its options and prints nothing", () => {
  const { status, stderr } = spawnSync(process.execPath, [...heapOptions(), "-e", "0"], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});
