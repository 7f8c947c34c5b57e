import { readFile } from "node:fs/promises";
import { cases, type Result, runCases } from "@bn/conformance";
import { loadGoldenCases } from "@bn/conformance/node";
import { createCpu } from "@bn/cpu";
import type { Page } from "./app.ts";

/** Runs the part of the suite whose ids contain `filter`, on @bn/cpu in this process. */
export async function hereOnCpu(filter: string): Promise<Result[]> {
  const all = [...cases({ tier: "quick" }), ...(await loadGoldenCases())];
  return runCases(
    "cpu",
    createCpu,
    all.filter(({ id }) => id.includes(filter)),
  );
}

/** The numbers that must be equal bit for bit wherever a backend computes in float64. */
export const bitsOf = (results: readonly Pick<Result, "id" | "status" | "error" | "ratio">[]) =>
  results.map(({ id, status, error, ratio }) => ({ id, status, error, ratio }));

/** Chooses backends, runs them, and returns the JSON that the page offers. */
export async function runAndDownload(page: Page, backends: readonly string[]): Promise<string> {
  for (const name of ["cpu", "wasm", "webgpu"])
    await page.getByLabel(name, { exact: true }).setChecked(backends.includes(name));
  await page.getByRole("button", { name: /^Run/ }).click();
  await page.locator('.verdict:not([data-verdict="running"])').waitFor({ timeout: 80_000 });
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download as JSON" }).click(),
  ]);
  return readFile(await download.path(), "utf8");
}
