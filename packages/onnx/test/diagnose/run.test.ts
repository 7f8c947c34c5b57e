import { afterAll, describe, expect, test } from "vitest";
import { createRuntime, diagnoseModel } from "../../src/verify/index.ts";
import { paddle } from "../paddle.ts";
import { type Planting, planted } from "./plant.ts";

const runtime = createRuntime();
afterAll(() => runtime[Symbol.asyncDispose]());

/** The two networks of PaddleOCR that have many nodes, with the size of a picture. */
const NETWORKS = [
  ["ch_ppocr_mobile_v2.0_cls_infer", [1, 3, 48, 192]],
  ["ch_PP-OCRv4_rec_infer", [1, 3, 48, 320]],
] as const;

async function said(bytes: Uint8Array, shape: readonly number[]): Promise<(readonly [node: string, what: string])[]> {
  const found = await diagnoseModel(bytes, { runtime, shapes: { x: shape } });
  return found.map(({ node, message }) => [node, message] as const);
}

const std = ({ get, eps }: Planting) => get(4).map((variance) => Math.sqrt(variance + eps));
const MISTAKES: readonly (readonly [name: string, plant: (one: Planting) => void, what: RegExp])[] = [
  [
    "standard deviations",
    ({ get, set }) => set(4, get(4).map(Math.sqrt)),
    /as if var holds standard deviations, not variances/,
  ],
  [
    "inverse standard deviations",
    (one) =>
      one.set(
        4,
        std(one).map((value) => 1 / value),
      ),
    /as if var holds inverse standard deviations, 1 \/ sqrt\(variance \+ epsilon\)/,
  ],
  [
    "inverse variances",
    ({ get, set, eps }) =>
      set(
        4,
        get(4).map((value) => 1 / (value + eps)),
      ),
    /as if var holds inverse variances/,
  ],
  [
    "gamma squared",
    ({ get, set }) =>
      set(
        1,
        get(1).map((gamma) => gamma * Math.abs(gamma)),
      ),
    /as if scale holds gamma squared/,
  ],
  [
    "gamma over the deviation",
    (one) => {
      const deviation = std(one);
      one.set(
        1,
        one.get(1).map((gamma, c) => gamma / (deviation[c] as number)),
      );
    },
    /as if scale holds gamma \/ sqrt\(var \+ epsilon\)/,
  ],
  ["gamma in the weights", (one) => inWeights(one, one.get(1)), /as if scale was multiplied into the layer before it/],
  [
    "folded and kept",
    (one) => {
      const [gamma, beta, mean, deviation] = [one.get(1), one.get(2), one.get(3), std(one)];
      const factor = gamma.map((value, c) => value / (deviation[c] as number));
      inWeights(one, factor);
      one.setBias(beta.map((value, c) => value - (mean[c] as number) * (factor[c] as number)));
    },
    /as if the node was folded into the layer before it and left in the network/,
  ],
];

function inWeights(one: Planting, factor: Float32Array): void {
  if (!one.conv) return;
  const weights = one.weights();
  const per = weights.length / factor.length;
  one.setWeights(weights.map((weight, i) => weight * (factor[Math.floor(i / per)] as number)));
}

describe.each(NETWORKS)("%s", (name, shape) => {
  test("as it is: nothing is said", async () => {
    expect(await said(await paddle(name), shape)).toEqual([]);
  });

  test.each(MISTAKES)("%s in every node: named, once", async (_, plant, what) => {
    const found = await said(planted(await paddle(name), plant), shape);
    expect(found).toEqual([["", expect.stringMatching(what)]]);
    expect(found[0]?.[1]).toMatch(
      /Read so, the variances of \d+ nodes, \d+ channels, are within a factor of [\d.]+ of what a run measures, and as they stand within a factor of [\d.]+$/,
    );
  });
});

describe("one node of a network", () => {
  const [network, shape] = NETWORKS[0];
  const node = "p2o.BatchNormalization.20";

  test.each(MISTAKES.filter(([name]) => !/gamma (squared|in)/.test(name)))("%s: named", async (_, plant, what) => {
    const found = await said(
      planted(await paddle(network), plant, (i) => i === 20),
      shape,
    );
    expect(found).toEqual([[node, expect.stringMatching(what)]]);
  });

  test("statistics of another layer, exchanged: both are named, and whose they are", async () => {
    let [first, second]: Planting[] = [];
    const bytes = planted(await paddle(network), (one, i) => {
      if (i === 16) first = one;
      if (i !== 17 || !first) return;
      second = one;
      for (const input of [3, 4]) {
        const kept = first.get(input);
        first.set(input, second.get(input));
        second.set(input, kept);
      }
    });
    const found = await said(bytes, shape);
    expect(found.map(([name]) => name)).toEqual(["p2o.BatchNormalization.16", "p2o.BatchNormalization.17"]);
    expect(found[0]?.[1]).toMatch(
      /as if its statistics are of another layer: those of "p2o\.BatchNormalization\.17" fit/,
    );
    expect(found[1]?.[1]).toMatch(
      /as if its statistics are of another layer: those of "p2o\.BatchNormalization\.16" fit/,
    );
  });

  test("statistics that no layer of the network has: ranges do not fit", async () => {
    const bytes = planted(
      await paddle(network),
      ({ get, set }) =>
        set(
          4,
          get(4).map((variance, c) => (variance * (1 + (c % 7))) / 5000),
        ),
      (i) => i === 20,
    );
    expect(await said(bytes, shape)).toEqual([
      [
        node,
        expect.stringMatching(
          /of another layer: shapes fit, ranges do not\. Stored and measured variances differ by a factor of/,
        ),
      ],
    ]);
  });
});

describe("the batch that statistics were made of", () => {
  /** Sets the first node's statistics to those of its input, times a power of m / (m - 1). */
  async function corrected(times: number): Promise<string[]> {
    const shape = [1, 3, 8, 8];
    const data = Float32Array.from({ length: 3 * 64 }, (_, i) => Math.sin(i * i) + i / 100);
    const feeds = { x: { type: "float32", shape, data } };
    const bytes = await paddle("ch_ppocr_mobile_v2.0_cls_infer");
    const seen = await firstMoments(bytes, feeds);
    const m = seen.count;
    const planting = planted(
      bytes,
      ({ set }) => {
        set(3, seen.mean);
        set(
          4,
          seen.variance.map((value) => value * (m / (m - 1)) ** times),
        );
      },
      (i) => i === 0,
    );
    return (await diagnoseModel(planting, { runtime, feeds })).map(({ message }) => message);
  }

  test("variance corrected twice is named; once and not at all are right", async () => {
    expect(await corrected(2)).toEqual([
      expect.stringMatching(
        /"p2o\.BatchNormalization\.0": as if the variance was corrected twice: with m = 16 values per channel/,
      ),
    ]);
    expect((await corrected(1)).join()).not.toContain("twice");
    expect((await corrected(0)).join()).not.toContain("twice");
  });
});

/** The statistics of the first node's input, from its X as ONNX Runtime computes it. */
async function firstMoments(
  bytes: Uint8Array,
  feeds: Record<string, { type: string; shape: number[]; data: Float32Array }>,
) {
  const { changed, plantingsOf } = await import("./plant.ts");
  const { runModel } = await import("../../src/verify/index.ts");
  let name = "";
  const tapped = changed(bytes, (model) => {
    name = plantingsOf(model)[0]?.node.input[0] ?? "";
    const [output] = model.graph?.output ?? [];
    if (model.graph && output) model.graph.output = [{ ...output, name, type: undefined as never }];
  });
  const { data, shape } = (await runModel(tapped, feeds)).get(name) as { data: Float32Array; shape: readonly number[] };
  const [, channels = 0] = shape;
  const count = data.length / channels;
  const mean = new Float64Array(channels);
  const variance = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    const values = data.subarray(c * count, (c + 1) * count);
    mean[c] = values.reduce((sum, value) => sum + value, 0) / count;
    variance[c] = values.reduce((sum, value) => sum + (value - (mean[c] as number)) ** 2, 0) / count;
  }
  return { mean, variance, count };
}
