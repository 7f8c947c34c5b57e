import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Site, type } from "../site.ts";

/** (e) The template of a backend, copied; its README's commands, one after another: install, type-check, suite, package. */
export async function makeBackend(site: Site): Promise<string> {
  const cwd = site.folder("third-party");
  cpSync(join(site.tree, "examples/write-a-backend"), cwd, { recursive: true });
  const commands = [...readFileSync(join(cwd, "README.md"), "utf8").matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(
    ([, text = ""]) => text,
  );
  if (commands.length === 0) throw new Error("examples/write-a-backend/README.md has no sh block");
  let output = "";
  for (const command of commands) output += await type(cwd, command, 300);
  const verdict = /Tests\s+.*\bpassed\b.*/.exec(output)?.[0];
  if (!verdict) throw new Error(`no test of the suite passed:\n${output}`);
  return verdict.replace(/\s+/g, " ");
}
