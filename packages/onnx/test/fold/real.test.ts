import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkFold, type FoldTasks, foldAttempts, foldModel, foldTasks, judgeFolds } from "../../src/index.ts";
import { PADDLE, paddle } from "../paddle.ts";
import { operators } from "./net.ts";
import { attemptOf, layerOf, PLANTED } from "./planted.ts";

/**
 * The layer in which a mistake shows most, which has the smallest variance. It has an even number of channels, and a
 * bias if one is needed.
 */
function layerFor({ tasks }: FoldTasks, needsBias: boolean) {
  const found = tasks.flatMap((task, index) => {
    const layer = layerOf(task);
    return layer && (!needsBias || layer.bias.some((value) => value !== 0)) ? [{ task, layer, index }] : [];
  });
  const least = ({ layer: { n } }: (typeof found)[number]) => Math.min(...n.variance);
  return found.toSorted((a, b) => least(a) - least(b))[0];
}

/** ONNX Runtime does not fold a normalization after a transposed convolution and a sum. */
const NOT_FOLDED = [['ConvTranspose "p2o.ConvTranspose.0"', "not folded"]];

describe.each(PADDLE)("PaddleOCR %s", (name) => {
  it("nothing is left that could go, and every layer is right", async () => {
    const bytes = await paddle(name);
    const { bytes: folded, rows } = await foldModel(bytes);
    const left = rows.filter(({ status }) => status === "left");
    expect(left.map(({ reason }) => reason)).toEqual([]);
    expect(operators(folded)).not.toContain("BatchNormalization");
    const judged = await checkFold(bytes, folded);
    expect(judged.length).toBeGreaterThan(10);
    expect(judged.filter(({ status }) => status !== "right")).toEqual([]);
  });

  it("every mistake that is planted in a layer of it is named", async () => {
    const bytes = await paddle(name);
    const tasks = await foldTasks(bytes);
    const attempts = await foldAttempts((await foldModel(bytes)).bytes);
    let planted = 0;
    for (const { words, needsBias = false, make } of PLANTED) {
      const chosen = layerFor(tasks, needsBias);
      if (chosen === undefined) continue; // no convolution of this network has a bias
      const wrong = attemptOf(chosen.task, make(chosen.layer));
      const layers = attempts.layers.map((one) => (one.label === chosen.task.label ? wrong : one));
      const rows = judgeFolds({ ...tasks, tasks: [chosen.task] }, { ...attempts, layers });
      expect(rows.map(({ layer, mistake }) => [layer, mistake])).toEqual([
        [chosen.task.label, expect.stringMatching(words)],
      ]);
      planted++;
    }
    expect(planted).toBeGreaterThanOrEqual(PLANTED.length - 2);
  });

  it("ONNX Runtime's own fold of it is right", async () => {
    const { InferenceSession } = await import("onnxruntime-node");
    const folder = await mkdtemp(join(tmpdir(), "bn-fold-"));
    try {
      const optimizedModelFilePath = join(folder, "optimized.onnx");
      const session = await InferenceSession.create(await paddle(name), {
        graphOptimizationLevel: "basic",
        optimizedModelFilePath,
        logSeverityLevel: 4,
      });
      await session.release();
      const optimized = await readFile(optimizedModelFilePath);
      const judged = await checkFold(await paddle(name), optimized);
      // The products and sums with constants of the detector and the recogniser remain, and must not be taken for
      // folds.
      expect(judged.filter(({ status }) => status === "right").length).toBeGreaterThan(1);
      const others = judged.filter(({ status }) => status !== "right").map(({ layer, status }) => [layer, status]);
      expect(others).toEqual(name === "ch_PP-OCRv4_det_infer" ? NOT_FOLDED : []);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
