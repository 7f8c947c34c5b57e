import { expect, test } from "vitest";
import { outcomeOf, pairOf } from "./pairs.ts";

// `pnpm --filter @bn/onnx fuzz:fold` runs 100,000 of them.
test("1000 mutated pairs of a network and its fold end in verdicts or in a typed error", async () => {
  const outcomes = { judged: 0, nothing: 0, refused: 0 };
  for (let n = 0; n < 1000; n++) {
    const outcome = await outcomeOf(pairOf("suite", n)).catch((cause) => {
      throw new Error(`pair ${n}`, { cause });
    });
    outcomes[outcome]++;
  }
  expect(Math.min(outcomes.judged, outcomes.nothing, outcomes.refused)).toBeGreaterThan(20);
});
