import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FOR_TEST_RUNNERS } from "../roles.ts";
import { demand, everyPackage, install, type Site } from "../site.ts";
import { run } from "../processes.ts";
import { executable } from "../tree.ts";
import { quickStart } from "./quick-start.ts";

const RESOLUTIONS = { nodenext: { module: "nodenext" }, bundler: { module: "esnext", moduleResolution: "bundler" } };
const COMPILERS = { "7": executable("typescript", "bin/tsc"), "5.9": executable("typescript-5", "bin/tsc") };

/**
 * (b) The quick start and every entry of every package type-check, declarations included (no skipLibCheck), under both
 * resolutions, by the newest TypeScript and the oldest that is supported.
 */
export async function checkTypes(site: Site): Promise<string> {
  const cwd = site.folder("types", { "start.ts": quickStart(readFileSync(join(site.tree, "README.md"), "utf8")).code });
  await install(cwd, ...everyPackage(site), "@types/node@24");
  const entries = site.packages.flatMap((one) => one.entries).filter((entry) => !FOR_TEST_RUNNERS.has(entry));
  const uses = entries.map((entry, i) => `import * as e${i} from "${entry}";\nexport const names${i}: string[] = Object.keys(e${i});\n`);
  writeFileSync(join(cwd, "entries.ts"), uses.join(""));
  const complaints: string[] = [];
  for (const [resolution, options] of Object.entries(RESOLUTIONS)) {
    const compilerOptions = { ...options, strict: true, noEmit: true, target: "es2022", lib: ["es2023", "dom"], types: ["node"], skipLibCheck: false };
    writeFileSync(join(cwd, `tsconfig.${resolution}.json`), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
    for (const [version, tsc] of Object.entries(COMPILERS)) {
      await run(process.execPath, [tsc, "-p", `tsconfig.${resolution}.json`, "--pretty", "false"], { cwd }).catch((error: Error) => {
        complaints.push(`TypeScript ${version}, ${resolution}: ${error.message}`);
      });
    }
  }
  demand(complaints);
  return `${entries.length} entries, ${Object.keys(RESOLUTIONS).join(" and ")}, TypeScript ${Object.keys(COMPILERS).join(" and ")}`;
}
