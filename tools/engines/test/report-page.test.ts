import { htmlReport, type Report } from "@bn/conformance/report";
import { createCpu } from "@bn/cpu";
import { ISOLATED, type Site, serve } from "@bn/gpu-setup";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Driven, ENGINES, missing, type Person, personAt } from "../src/index.ts";

const { supports } = await createCpu();

/** 250 results, whose ids and ratios are in opposite orders. The last one failed. */
const report: Report = {
  backends: [{ name: "one", supports }],
  results: Array.from({ length: 250 }, (_, i) => ({
    backend: "one",
    id: `kernels/moments/${String(i).padStart(3, "0")}`,
    group: "kernels",
    clause: "N-1",
    error: 250 - i,
    bound: 250,
    ratio: (250 - i) / 250,
    status: i === 249 ? "failed" : "passed",
    reason: "",
  })),
};

for (const engine of ENGINES) {
  const lacking = missing(engine);
  const why = lacking.length > 0 ? ` (skipped: install Debian's ${lacking.join(", ")})` : "";
  describe.skipIf(lacking.length > 0)(`the report's table in ${engine.name}${why}`, () => {
    let [site, driven, person]: [Site?, Driven?, Person?] = [];
    beforeAll(async () => {
      site = await serve([], ISOLATED, htmlReport(report));
      driven = await engine.drive({ seconds: 120 });
      person = personAt(driven);
      await driven.goto(site.url);
    }, 90_000);
    afterAll(async () => {
      await driven?.close();
      await site?.close();
    });

    /** The numbers in the ids of the shown rows. */
    const shown = () =>
      driven?.run<number[]>(
        `return [...document.querySelectorAll("#cases tbody tr")].map((row) => Number(row.cells[0].textContent.slice(-3)));`,
      );

    it("sorts by a column up and down, filters, and shows more", { timeout: 60_000 }, async () => {
      expect((await shown())?.slice(0, 3)).toEqual([249, 0, 1]); // failures, then what is nearest to its bound
      await person?.click("summary", /All 250 results/);
      await person?.click("#cases th button", /Case/);
      await person?.see("th[aria-sort=ascending]", /Case/);
      expect((await shown())?.slice(0, 3)).toEqual([0, 1, 2]);
      await person?.click("#cases th button", /Case/);
      await person?.see("th[aria-sort=descending]", /Case/);
      expect((await shown())?.slice(0, 3)).toEqual([249, 248, 247]);
      await person?.click("#cases th button", /Error/);
      await person?.see("th[aria-sort=descending]", /Error/);
      expect((await shown())?.slice(0, 3)).toEqual([0, 1, 2]);
      expect(await shown()).toHaveLength(100);
      await person?.click("#more");
      await person?.see("#shown", /^200 of 250$/);
      expect(await shown()).toHaveLength(200);
      await person?.focus("#filter");
      await person?.press(..."failed");
      await person?.see("#shown", /^1 of 1$/);
      expect(await shown()).toEqual([249]);
      expect(await driven?.complaints()).toEqual([]);
    });
  });
}
