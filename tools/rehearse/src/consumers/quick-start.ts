import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expectedOutput, fencesOf, samePrint } from "@bn/docs-check/fences";
import { runtimes } from "../runtimes.ts";
import { type Site, type } from "../site.ts";

/** The first program of a page, and the last `npm install` before it. */
export function quickStart(text: string): {
  readonly install: string;
  readonly code: string;
  readonly prints: string;
} {
  const [fence] = fencesOf({ path: "README.md", text });
  const before = text.split("\n").slice(0, fence?.line);
  const install = [...before.join("\n").matchAll(/npm install [^`\n]+/g)].at(-1)?.[0];
  if (install === undefined || fence === undefined) {
    throw new Error("README.md: expected a js block, the quick start, and an `npm install ...` before it");
  }
  const prints = expectedOutput(fence);
  if (prints.length === 0 || prints.includes(null)) {
    throw new Error("README.md: the quick start must print what does not vary, with a comment that says it");
  }
  return { install, code: fence.code, prints: prints.join("\n") };
}

/** (a) Runs the README's quick start unchanged on every supported runtime. */
export async function runQuickStart(site: Site): Promise<string> {
  const { install, code, prints } = quickStart(readFileSync(join(site.tree, "README.md"), "utf8"));
  const cwd = site.folder("quick-start", { "start.mjs": code });
  await type(cwd, install);
  const found = await runtimes(site);
  for (const { name, run } of found) {
    const printed = await run(cwd, "start.mjs");
    if (!samePrint(printed, prints)) throw new Error(`${name} printed\n${printed}README.md says\n${prints}`);
  }
  return found.map(({ name }) => name).join(", ");
}
