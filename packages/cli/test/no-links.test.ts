import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { writeAll } from "../src/files.ts";

// FAT and some network drives have no hard links. The name "refused" cannot be taken there.
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const refusal = () => Promise.reject(Object.assign(new Error("operation not permitted"), { code: "EPERM" }));
  const rename = (from: string, to: string) => (to.endsWith("refused") ? refusal() : real.rename(from, to));
  return { ...real, link: refusal, rename };
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bn-no-links-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("without hard links files are written, none is replaced without force, and former files come back", async () => {
  const [one, two, refused] = ["one", "two", "refused"].map((name) => join(folder, name)) as [string, string, string];
  const all = [one, two, refused].map((path) => ({ path, content: "new" }));
  await writeAll([{ path: one, content: "1" }], false);
  await expect(writeAll([{ path: one, content: "2" }], false)).rejects.toMatchObject({ code: "ERR_BN_DATA" });
  expect(await readFile(one, "utf8")).toBe("1");
  await expect(writeAll(all.slice(1), false)).rejects.toThrow(/refused/);
  expect(await readdir(folder)).toEqual(["one"]);
  await expect(writeAll(all, true)).rejects.toThrow(/refused/);
  expect(await readdir(folder)).toEqual(["one"]);
  expect(await readFile(one, "utf8")).toBe("1");
  await writeAll(all.slice(0, 2), true);
  expect([await readFile(one, "utf8"), await readFile(two, "utf8")]).toEqual(["new", "new"]);
  expect((await readdir(folder)).sort()).toEqual(["one", "two"]);
});
