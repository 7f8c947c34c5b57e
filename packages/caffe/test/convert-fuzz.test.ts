import { expect, test } from "vitest";
import { fuzzConversion } from "./convert-fuzz.ts";

// `node test/convert-fuzz.ts 100000` is the long form.
test("nets with something changed are refused, or are right", async () => {
  const { refused, ran } = await fuzzConversion(400, "short");
  expect(refused).toBeGreaterThan(100);
  expect(ran).toBeGreaterThan(20);
});
