import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Case } from "../case.ts";
import { goldenCases } from "./cases.ts";
import { readGoldens } from "./format.ts";
import type { GoldenSet } from "./types.ts";

/** The folder with the set that this package ships. */
const SHIPPED = fileURLToPath(new URL("../../goldens/", import.meta.url));

/** Reads a folder of golden data, by default the one that this package ships. Rejects with `ERR_BN_DATA`. */
export function loadGoldens(directory: string = SHIPPED): Promise<GoldenSet> {
  return readGoldens({ bytes: (name) => readFile(join(directory, name)) });
}

/**
 * The cases of a folder of golden data, by default the one that this package ships. A copy of the shipped folder is
 * compared with it bit for bit.
 *
 * @example
 * ```ts
 * import { loadGoldenCases } from "@bn/conformance/node";
 * const cases = await loadGoldenCases();
 * console.log(cases.length); // 576
 * ```
 */
export async function loadGoldenCases(directory?: string): Promise<Case[]> {
  const shipped = await loadGoldens();
  return directory === undefined ? goldenCases(shipped) : goldenCases(await loadGoldens(directory), shipped);
}
