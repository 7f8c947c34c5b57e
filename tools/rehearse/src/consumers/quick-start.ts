import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expectedOutput, fencesOf, samePrint } from "../../../docs/src/fences.ts";
import { run } from "../processes.ts";
import { runtimes } from "../runtimes.ts";
import { type Site, type } from "../site.ts";

/** The first ```sh and the first ```ts block of a page after a heading that speaks of a start. */
export function quickStart(text: string): { readonly install: string; readonly code: string; readonly prints: string } {
  const heading = /^#+ .*\bstart/im.exec(text)?.index ?? -1;
  const section = heading < 0 ? "" : text.slice(heading);
  const install = /^```sh\n([\s\S]*?)^```/m.exec(section)?.[1];
  const [fence] = fencesOf({ path: "README.md", text: section });
  if (install === undefined || fence === undefined) {
    throw new Error("README.md: no heading with the word start that has an sh block (the installation) and a ts block below it");
  }
  const prints = expectedOutput(fence);
  if (prints.length === 0 || prints.includes(null)) {
    throw new Error("README.md: the quick start must print something that does not vary, with a comment that says what");
  }
  return { install, code: fence.code, prints: prints.join("\n") };
}

/** (a) The README's quick start as it is written, on every Node that is supported. */
export async function runQuickStart(site: Site): Promise<string> {
  const { install, code, prints } = quickStart(readFileSync(join(site.tree, "README.md"), "utf8"));
  const cwd = site.folder("quick-start");
  await type(cwd, install);
  // Node 20 runs no TypeScript: what a reader pastes must be JavaScript too.
  writeFileSync(join(cwd, "start.js"), code);
  const found = await runtimes(site);
  for (const { version, node } of found) {
    const printed = await run(node, ["start.js"], { cwd });
    if (!samePrint(printed, prints)) throw new Error(`Node ${version} printed\n${printed}README.md says\n${prints}`);
  }
  return `Node ${found.map(({ version }) => version).join(", ")}`;
}
