import { cases } from "@bn/conformance";
import { loadGoldenCases } from "@bn/conformance/node";
import { conformance } from "@bn/conformance/vitest";
import { expect, test } from "vitest";
import { createWasm } from "../src/index.ts";

const goldens = await loadGoldenCases();

for (const threads of [1, 2, 4]) {
  const name = `wasm on ${threads} ${threads === 1 ? "thread" : "threads"}`;
  conformance(name, () => createWasm({ threads }), {
    cases: [...cases({ tier: threads === 1 ? "default" : "quick" }), ...goldens],
  });

  // Otherwise a runtime that gives one thread would pass for one with four.
  test(`${name} has ${threads}`, async () => {
    await using wasm = await createWasm({ threads });
    expect(wasm.supports.threads).toBe(threads);
  });
}
