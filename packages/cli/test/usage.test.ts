import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bn } from "./bn.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bn-usage-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("--help tells the commands, examples and exit codes on standard output", async () => {
  const { code, stdout, stderr } = await bn(["--help"]);
  expect(code).toBe(0);
  expect(stderr).toBe("");
  for (const text of ["backends", "conformance", "verify", "Examples:", "Exit codes:"]) expect(stdout).toContain(text);
});

test.each(["backends", "conformance", "verify"])("%s --help has its own page", async (command) => {
  const { code, stdout } = await bn([command, "--help"]);
  expect(code).toBe(0);
  expect(stdout).toContain(`Usage: bn ${command}`);
});

test("--version prints a version", async () => {
  const { code, stdout } = await bn(["--version"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
});

test.each([
  ["no command", [], "Usage: bn"],
  ["an unknown command", ["conform"], "unknown command 'conform'"],
  ["an unknown option", ["conformance", "--fast"], "unknown option '--fast'"],
  ["an option without its value", ["conformance", "--backend"], "argument missing"],
  ["too many arguments", ["backends", "cpu"], "too many arguments"],
  ["no model", ["verify"], "missing required argument"],
  ["an unknown backend", ["conformance", "--backend", "gpu9"], 'unknown backend "gpu9", expected cpu'],
  ["a backend named like a property of objects", ["conformance", "--backend", "constructor"], "unknown backend"],
  ["an empty list of backends", ["conformance", "--backend", ","], "--backend is empty"],
  ["a missing module", ["conformance", "--backend", "./nowhere.js"], "cannot load backend ./nowhere.js"],
  ["a filter that nothing matches", ["conformance", "--filter", "no-such-case"], "no case matches"],
  ["a missing folder of goldens", ["conformance", "--goldens", "./nowhere"], "nowhere"],
  ["a report in a missing folder", ["conformance", "--json", "no/where.json"], "create it first"],
  ["a report in place of a folder", ["conformance", "--html", "."], "this is a folder"],
  ["two reports on one stream", ["conformance", "--html", "-", "--json", "-"], "standard output"],
  ["a missing model", ["verify", "nowhere.onnx"], "nowhere.onnx"],
])("%s: exit 2, and standard error alone says why", async (_, args, why) => {
  const { code, stdout, stderr } = await bn(args, { cwd: folder });
  expect(stderr).toContain(why);
  expect(stderr).not.toMatch(/\n {4}at /);
  expect(stdout).toBe("");
  expect(code).toBe(2);
});

const MODULES: Readonly<Record<string, readonly [code: string, why: string]>> = {
  "syntax.js": ["export default (", "cannot load backend"],
  "nothing.js": ["export const x = 1;", "exports x; export default a function"],
  "not-a-function.js": ["export default {};", "export default a function"],
  "throws.js": ["export default () => { throw new Error('no device'); };", "failed to start: no device"],
  "number.js": ["export default async () => 7;", "the function returned 7"],
  "name.js": ["export default () => ({});", "name is undefined"],
  "version.js": ["export default () => ({ name: 'x', contractVersion: 99 });", "contractVersion is 99"],
  "supports.js": ["export default () => ({ name: 'x', contractVersion: 2 });", "supports is undefined"],
  "dtypes.js": [
    "export default () => ({ name: 'x', contractVersion: 2, supports: { dtypes: ['float16'] } });",
    `supports.dtypes is [ 'float16' ]; list "float32"`,
  ],
};
const SUPPORTS = `{ dtypes: ["float32"], hostVisible: true, nonFinite: true, subnormals: true, correctlyRounded: true,
  deterministic: true, threads: 1, details: {} }`;
const KERNELLESS = `export const createBackend = () => ({ name: "x", contractVersion: 2, supports: ${SUPPORTS}, kernels: {}, owns() {},
  alloc() {}, write() {}, read() {}, finish() {}, dispose() {} });`;

test.each([
  ...Object.entries(MODULES).map(([name, [code, why]]) => [name, code, why] as const),
  ["kernels.js", KERNELLESS, "kernels.moments is undefined; make it a function"] as const,
])("a module that gives no backend, %s: exit 2 and the cure", async (name, source, why) => {
  await writeFile(join(folder, name), source);
  const { code, stderr } = await bn(["conformance", "--backend", `./${name}`], { cwd: folder });
  expect(stderr).toContain(why);
  expect(code).toBe(2);
});

test("bn backends lists cpu, in words and as JSON", async () => {
  const { code, stdout } = await bn(["backends"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^cpu {2}@bn\/cpu {2}available$/m);
  const json = JSON.parse((await bn(["backends", "--json", "-"])).stdout);
  expect(json[0]).toMatchObject({ name: "cpu", package: "@bn/cpu", available: true });
  expect(json[0].supports.dtypes).toEqual(["float32", "float64"]);
});
