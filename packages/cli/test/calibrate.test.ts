import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { batchNormOf, buildModel } from "@bn/onnx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { workOf } from "../src/calibrate-options.ts";
import { limitsOf, oneOf, wholeOf } from "../src/option-values.ts";
import { BIN, bn } from "./bn.ts";

const SAMPLES = 1200;
const SHAPE = [2, 4, 4];
const size = SHAPE.reduce((a, b) => a * b, 1);
const values = Float32Array.from({ length: SAMPLES * size }, (_, i) => Math.sin(i) * (1 + (i % 5)) + (i % 3));
const run = ["calibrate", "model.onnx"];
const MPIRUN = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", "2"];
const noMpirun = spawnSync("mpirun", ["--version"]).status !== 0;
let cwd = "";

/** The bytes of numpy.save. */
function npy(shape: readonly number[], data: Float32Array): Buffer {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`.padEnd(117);
  return Buffer.concat([
    Buffer.from(`\x93NUMPY\x01\x00\x76\x00${text}\n`, "latin1"),
    Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  ]);
}
const at = (name: string) => join(cwd, name);
const bytesOf = (name: string) => readFile(at(name));
const samples = (from: number, to: number) => npy([to - from, ...SHAPE], values.subarray(from * size, to * size));

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "bn-calibrate-"));
  const vector = (...of: number[]) => Float32Array.from(of);
  const layer = batchNormOf([vector(5, -5), vector(9, 0.01), [1], vector(1, 2), vector(0, 1)]);
  await writeFile(at("model.onnx"), buildModel([layer, layer], { shape: ["N", ...SHAPE] }));
  await writeFile(at("train.onnx"), buildModel(layer, { shape: ["N", ...SHAPE], training: true }));
  await mkdir(at("few"));
  await writeFile(at("few/a.npy"), samples(0, 20));
  await writeFile(at("few/b.npy"), samples(20, 47));
  await writeFile(at("many.npy"), npy([SAMPLES, ...SHAPE], values));
});
afterAll(() => rm(cwd, { recursive: true }));

describe("bn calibrate", () => {
  it("writes the model and its reports: files, a stream, and shards give the same bytes", async () => {
    const plain = await bn(
      [...run, "a.onnx", "--data", "few", "--batch", "4", "--json", "a.json", "--html", "a.html"],
      { cwd },
    );
    expect(plain.code, plain.stderr).toBe(0);
    expect(plain.stdout).toContain("The variance written is the unbiased one, m2 / (count - 1)");
    expect(plain.stdout).toMatch(/\n0\.batch_norm {2}2 {9}752 {5}/);
    expect(plain.stdout).toMatch(/\n2 recalibrated, 0 left\n$/);
    expect(plain.stderr).toMatch(/^calibrate: 12 to do\ncalibrate: done in /);
    const report = JSON.parse(await readFile(at("a.json"), "utf8"));
    expect(report.summary).toEqual({ recalibrated: 2, left: 0 });
    expect(report.nodes[0]).toMatchObject({ node: "0.batch_norm", status: "recalibrated", count: 752, constant: 0 });
    const page = await readFile(at("a.html"), "utf8");
    expect(page).toContain("2 recalibrated");
    expect(page.match(/<circle class="median"/g)).toHaveLength(4);

    const streamed = await piped(
      [...run, "b.onnx", "--data", "-", "--batch", "4"],
      Buffer.concat([samples(0, 9), samples(9, 47)]),
    );
    expect(streamed.code, streamed.stderr).toBe(0);
    for (const index of [3, 1, 2]) {
      const part = [
        ...run,
        "--data",
        "few/*.npy",
        "--batch",
        "4",
        "--shard",
        `${index}/3`,
        "--partial",
        `part${index}.json`,
      ];
      expect((await bn(part, { cwd })).code).toBe(0);
    }
    const merged = await bn([...run, "c.onnx", "--merge", "part1.json", "part2.json", "part3.json"], { cwd });
    expect(merged.stdout).toBe(plain.stdout);
    const [a, b, c] = [await bytesOf("a.onnx"), await bytesOf("b.onnx"), await bytesOf("c.onnx")];
    expect([a.equals(b), a.equals(c), a.equals(await bytesOf("model.onnx"))]).toEqual([true, true, false]);
    expect((await readdir(cwd)).filter((name) => name.endsWith(".resume") || name.endsWith(".tmp"))).toEqual([]);

    const gap = await bn([...run, "d.onnx", "--merge", "part1.json", "part3.json"], { cwd });
    expect(gap.stderr).toBe(
      "bn: merge: a gap: batches 4 to 7 are missing, between part1.json and part3.json; add the part that has them\n",
    );
    expect(gap.code).toBe(2);
    expect(existsSync(at("d.onnx"))).toBe(false);
  });

  it.each([
    ["model.onnx", /--resume model\.onnx: this is one of the files to read/],
    ["kept.onnx", /OUT kept\.onnx and --resume kept\.onnx are the same file/],
  ])("the state never replaces a model: --resume %s", async (resume, message) => {
    const before = await bytesOf("model.onnx");
    const { code, stderr } = await bn([...run, "kept.onnx", "--data", "many.npy", "--restart", "--resume", resume], {
      cwd,
    });
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    expect((await bytesOf("model.onnx")).equals(before)).toBe(true);
    expect(existsSync(at("kept.onnx"))).toBe(false);
  });

  it.each(["SIGINT", "SIGKILL"] as const)("goes on after %s, by the same command: the same bytes", async (signal) => {
    const command = [...run, `${signal}.onnx`, "--data", "many.npy", "--batch", "2"];
    const ended = await interrupted(command, signal, `${signal}.onnx.resume`);
    if (signal === "SIGINT") {
      expect(ended.stderr).toMatch(
        /calibrate: \d+ of 600 batches are saved in SIGINT\.onnx\.resume: the same command continues from there/,
      );
      expect(ended.code).toBe(130);
    }
    expect(existsSync(at(`${signal}.onnx`))).toBe(false);
    const other = await bn([...command.slice(0, -1), "4"], { cwd });
    expect(other.stderr).toContain(
      `bn: ${signal}.onnx.resume: the saved run does not match this one: the batch size is 2, expected 4; use the same options as before, or --restart`,
    );
    expect(other.code).toBe(2);
    const again = await bn(command, { cwd });
    expect(again.stderr).toContain(`calibrate: continues from ${signal}.onnx.resume\n`);
    expect(again.code, again.stderr).toBe(0);
    expect(existsSync(at(`${signal}.onnx.resume`))).toBe(false);
    if (!existsSync(at("whole.onnx"))) await bn([...run, "whole.onnx", ...command.slice(3)], { cwd });
    expect((await bytesOf(`${signal}.onnx`)).equals(await bytesOf("whole.onnx"))).toBe(true);
  });

  it.skipIf(noMpirun)(
    `under mpirun, on 2 ranks and in both modes: the same bytes${noMpirun ? ": skipped, there is no mpirun" : ""}`,
    async () => {
      for (const mode of ["batch", "exact"]) {
        const command = ["--data", "few", "--batch", "4", "--mode", mode];
        await bn([...run, `${mode}.onnx`, ...command], { cwd });
        const ranks = await ended([...run, `${mode}-2.onnx`, ...command, "--mpi"], () => {}, MPIRUN);
        expect(ranks.code, ranks.stderr).toBe(0);
        expect((await bytesOf(`${mode}-2.onnx`)).equals(await bytesOf(`${mode}.onnx`))).toBe(true);
      }
      const alone = await bn([...run, "x.onnx", "--data", "few", "--mpi"], { cwd });
      expect([alone.code, alone.stderr]).toEqual([
        2,
        expect.stringContaining("this process was not started by mpirun"),
      ]);
    },
  );

  it("writes no model where nothing was recalibrated: exit 1", async () => {
    const { code, stdout } = await bn(["calibrate", "train.onnx", "x.onnx", "--data", "few"], { cwd });
    expect(stdout).toContain("left batch_norm: is in training mode");
    expect(stdout).toMatch(/no node was recalibrated, so no model is written\n\n0 recalibrated, 1 left\n$/);
    expect([code, existsSync(at("x.onnx"))]).toEqual([1, false]);
  });

  it.each([
    ["calibrate model.onnx x.onnx --data few --input y", '--input y: there is no such input; the nodes depend on "X"'],
    [
      "calibrate model.onnx x.onnx --data few --nodes conv*",
      '--nodes conv*: matches none of "0.batch_norm", "1.batch_norm"',
    ],
    [
      "calibrate model.onnx x.onnx --data gone",
      "gone: does not exist; name .npy or .npz files, folders, or globs of them",
    ],
    [
      "calibrate model.onnx model.onnx --data few --force",
      "this is one of the files to read; choose another output file",
    ],
    ["calibrate model.onnx few/a.npy --data few", "the model few/a.npy: the file exists already; --force replaces it"],
    ["calibrate model.onnx x.onnx --merge few/a.npy", "few/a.npy: is not a part of a calibration"],
  ])("%s is refused", async (line, message) => {
    const { code, stderr } = await bn(line.split(" "), { cwd });
    expect(stderr).toContain(message);
    expect([code, existsSync(at("x.onnx"))]).toEqual([2, false]);
  });
});

describe("options that do not go together", () => {
  const data = ["few"];
  const merge = ["p"];
  it.each([
    [undefined, { data }, "OUT: not given, expected the file to write the model to"],
    ["x", {}, "--data: not given, expected files, folders or globs, or - for standard input"],
    ["x", { data, merge }, "--data and --merge cannot be combined"],
    ["x", { merge, batch: "3" }, "--batch with --merge: the parts already contain it"],
    [undefined, { data, shard: "1/3" }, "--shard 1/3: no file for the result; give --partial FILE"],
    [undefined, { data, shard: "0/3", partial: "p" }, "--shard 0/3: expected I/N with I from 1 to N"],
    [undefined, { data, shard: "4/3", partial: "p" }, "--shard 4/3: expected I/N with I from 1 to N"],
    [undefined, { data, shard: "1/3", partial: "p", mode: "exact" }, "--mode exact with --shard"],
    [undefined, { data, shard: "1/3", partial: "p", json: "j" }, "--json and --html with --shard"],
    ["x", { data, shard: "1/3", partial: "p" }, "x with --shard: a shard writes no model"],
    [
      "x",
      { data, mpi: true, shard: "1/2", partial: "p" },
      "--mpi with --shard: the ranks of mpirun already share the work",
    ],
    ["x", { merge, mpi: true }, "--mpi with --merge"],
    ["x", { data, partial: "p" }, "--partial p: the shard is missing; give --shard I/N"],
    ["x", { data: ["few", "-"] }, "--data - is one stream and cannot be combined with files; give one or the other"],
  ])("%s %j", (out, options, message) => {
    expect(() => workOf(out, options)).toThrow(message);
  });

  it("numbers and modes", () => {
    expect(() => oneOf("--mode", "fast", ["batch", "exact"])).toThrow("--mode fast: expected batch, exact");
    for (const text of ["0", "1.5", "-2", "many", ""]) {
      expect(() => wholeOf("--batch", text)).toThrow(`--batch ${text}: expected a whole number >= 1`);
    }
    expect(() => limitsOf({ timeout: "0" })).toThrow("--timeout 0: expected a number above 0");
    expect(() => limitsOf({ threads: "x" })).toThrow("--threads x: expected a whole number >= 1");
  });
});

function piped(args: readonly string[], input: Buffer) {
  return ended(args, (child) => child.stdin?.end(input));
}

/** Runs until there is a state to continue from, then sends the signal. */
function interrupted(args: readonly string[], signal: NodeJS.Signals, state: string) {
  return ended(args, (child) => {
    const timer = setInterval(() => {
      if (!existsSync(at(state))) return;
      clearInterval(timer);
      child.kill(signal);
    }, 5);
  });
}

function ended(
  args: readonly string[],
  begin: (child: ReturnType<typeof spawn>) => void,
  prefix: readonly string[] = [],
) {
  return new Promise<{ code: number | null; stderr: string }>((resolve) => {
    const [program, ...rest] = [...prefix, process.execPath, BIN, ...args] as [string, ...string[]];
    const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" };
    const child = spawn(program, rest, { cwd, env, stdio: ["pipe", "ignore", "pipe"] });
    let stderr = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("close", (code) => resolve({ code, stderr }));
    begin(child);
  });
}
