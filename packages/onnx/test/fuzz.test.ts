import { createCpu } from "@bn/cpu";
import { expect, test } from "vitest";
import { createRuntime } from "../src/verify/index.ts";
import { mutated, survive } from "./mutate.ts";

// `pnpm --filter @bn/onnx fuzz` runs 100,000 of them.
test("2000 mutated models end in a typed error or in right results", async () => {
  await using cpu = await createCpu();
  await using runtime = createRuntime({ timeout: 10, memory: 2 ** 31 });
  const outcomes = { refused: 0, read: 0, verified: 0 };
  for (let n = 0; n < 2000; n++) {
    const bytes = mutated("suite", n);
    const outcome = await survive(bytes, cpu, runtime).catch((error) => {
      throw new Error(`model ${n}`, { cause: error });
    });
    outcomes[outcome]++;
  }
  expect(Math.min(outcomes.refused, outcomes.read, outcomes.verified)).toBeGreaterThan(20);
});
