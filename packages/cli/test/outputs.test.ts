import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bn } from "./bn.ts";

const SOURCES = ["a.onnx", "b.onnx", "x.npy", "w.caffemodel", "net.prototxt", "part.json"];

/** A command line per file that it reads and would replace; --force allows that for every other file. */
const COMMANDS: readonly (readonly string[])[] = [
  ["verify", "a.onnx", "--json", "a.onnx"],
  ["verify", "a.onnx", "--input", "X=x.npy", "--html", "./x.npy"],
  ["verify", "w.caffemodel", "--net", "net.prototxt", "--json", "net.prototxt"],
  ["inspect", "a.onnx", "--json", "a.onnx"],
  ["inspect", "w.caffemodel", "--net", "net.prototxt", "--json", "net.prototxt"],
  ["convert", "w.caffemodel", "out.onnx", "--net", "net.prototxt", "--input", "x.npy", "--json", "x.npy"],
  ["export", "a.onnx", "--from", "a.onnx"],
  ["export", "net.caffemodel", "--from", "w.caffemodel", "--net", "net.prototxt"],
  ["export", "x.npy", "--blobs", "x.npy,x.npy,x.npy"],
  ["fold", "a.onnx", "out.onnx", "--input", "x.npy", "--json", "x.npy"],
  ["check-fold", "a.onnx", "b.onnx", "--json", "b.onnx"],
  ["calibrate", "w.caffemodel", "net.prototxt", "--net", "net.prototxt", "--data", "x.npy"],
  ["calibrate", "a.onnx", "x.npy", "--data", "x.npy"],
  ["calibrate", "a.onnx", "part.json", "--merge", "part.json"],
  ["diff", "a.onnx", "part.json", "--json", "part.json"],
  ["merge", "part.json", "part.json"],
];

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "bn-outputs-"));
  for (const name of SOURCES) await writeFile(join(cwd, name), name);
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

describe("no command replaces a file that it reads, --force or not", () => {
  it.each(COMMANDS.map((args) => ({ args, line: args.join(" ") })))("$line", async ({ args }) => {
    const { code, stderr } = await bn([...args, "--force"], { cwd });
    expect(stderr).toMatch(/this is one of the files to read; choose another output file/);
    expect(code).toBe(2);
    for (const name of SOURCES) expect(await readFile(join(cwd, name), "utf8")).toBe(name);
  });
});
