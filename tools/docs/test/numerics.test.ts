import { expect, it } from "vitest";
import { withTables } from "../src/embed.ts";
import { exactMoments, samples } from "../src/numerics/samples.ts";
import { mapTable } from "../src/numerics.ts";
import { read } from "../src/pages.ts";

const [page] = read("docs/batch-norm.md");

it("prints the tables that the measurement gives (pnpm --filter @bn/docs-check numerics writes them)", () => {
  expect(page?.text).toContain("<!-- numerics: mapTable -->");
  expect(page?.text).toContain("<!-- numerics: varianceTable -->");
  expect(withTables(page?.text ?? "")).toBe(page?.text);
});

it("replaces what stands between the marks, and knows its tables", () => {
  const marks = (name: string) => `a\n<!-- numerics: ${name} -->\nold\n<!-- /numerics -->\nb`;
  expect(withTables(marks("mapTable"))).toBe(
    `a\n<!-- numerics: mapTable -->\n\n${mapTable()}\n\n<!-- /numerics -->\nb`,
  );
  expect(() => withTables(marks("none"))).toThrow("no table none; there are mapTable, varianceTable");
});

it("measures on data of the mean and the deviation that the tables name", () => {
  const { mean, variance } = exactMoments(samples("any", 65536, 1000));
  // The mean of 65536 values with deviation 1 has a standard error of 1/256, and their variance one of sqrt(2)/256. The
  // limits are six of each.
  expect(Math.abs(mean - 1000)).toBeLessThan(6 / 256);
  expect(Math.abs(variance - 1)).toBeLessThan((6 * Math.SQRT2) / 256);
});
