import { convertNet, NETWORK_OPSETS, openNetwork } from "@bn/caffe";
import { runModel } from "@bn/onnx/verify";
import { describe, expect, test } from "vitest";
import { worstRatio } from "./compare.ts";
import { ANSWERS, type Answer, CASES, type Case, filesOf, topsOf } from "./opencv/cases.ts";
import { exactly, type Tensor } from "./reference/bounded.ts";
import { runNetwork } from "./reference/network.ts";

/** The layer in float64 by Caffe's formula, with the bound for a float32 run. */
function referenceOf(one: Case): readonly Tensor[] {
  const { inputs } = ANSWERS[one.name] as Answer;
  const network = openNetwork(filesOf(one));
  const values = Object.entries(inputs).map(([name, { shape, data }]) => [name, exactly(shape, data)] as const);
  const results = runNetwork(network, Object.fromEntries(values));
  const layer = network.layers.length - 1;
  return topsOf(one).map((_, i) => results.get(`${layer}.${i}`) as Tensor);
}

async function runCase(one: Case, opset: number) {
  const { inputs, bytes } = convertNet({ ...filesOf(one), opset });
  const answer = ANSWERS[one.name] as Answer;
  const feeds = inputs.map(({ tensor, blob }) => {
    const { shape, data } = answer.inputs[blob] as Answer["blobs"][number];
    return [tensor, { type: "float32", shape, data }] as const;
  });
  return runModel(bytes, Object.fromEntries(feeds));
}

describe("layers", () => {
  for (const one of CASES) {
    const answer = ANSWERS[one.name] as Answer;
    test(one.name, async () => {
      const expected = referenceOf(one);
      const got = await runCase(one, 13);
      for (const [i, top] of topsOf(one).entries()) {
        const reference = expected[i] as Tensor;
        const found = got.get(top);
        expect(found?.shape).toEqual(reference.shape);
        const { ratio, text } = worstRatio(found?.data as Float32Array, reference);
        expect(ratio, text).toBeLessThanOrEqual(1);
        const judged = answer.outputs?.[top];
        if (!judged) {
          expect(answer.refuses).toBeTruthy();
          continue;
        }
        const said = worstRatio(judged.data, reference);
        if (one.departs) expect(said.ratio, one.departs).toBeGreaterThan(1);
        else expect(said.ratio, `OpenCV ${said.text}`).toBeLessThanOrEqual(1);
      }
    });
  }
});

const { least, most } = NETWORK_OPSETS;
const OPSETS = Array.from({ length: most - least + 1 }, (_, i) => least + i);

test.each(OPSETS)("operator set %i gives in every layer what 13 gives, within the bound", async (opset) => {
  for (const one of CASES) {
    const got = await runCase(one, opset);
    for (const [i, reference] of referenceOf(one).entries()) {
      const { ratio, text } = worstRatio(got.get(topsOf(one)[i] as string)?.data as Float32Array, reference);
      expect(ratio, `${one.name}: ${text}`).toBeLessThanOrEqual(1);
    }
  }
});
