import { createCpu } from "@bn/cpu";
import { expect, test } from "vitest";
import { type Format, mutated, survive } from "./mutate.ts";

const COUNT = 1500;

test.each<[Format]>([["binary"], ["text"]])(
  "%s: mutated files end in a typed error or in what they say",
  async (format) => {
    await using cpu = await createCpu();
    const outcomes = new Map<string, number>();
    for (let n = 0; n < COUNT; n++) {
      const outcome = survive(format, mutated(format, "ci", n), cpu);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    // Some files must be refused and some must be read.
    expect(outcomes.get("refused")).toBeGreaterThan(COUNT / 20);
    expect((outcomes.get("read") ?? 0) + (outcomes.get("converted") ?? 0)).toBeGreaterThan(COUNT / 20);
  },
);
