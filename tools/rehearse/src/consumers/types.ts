import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../processes.ts";
import { backendsOf, FOR_TEST_RUNNERS } from "../roles.ts";
import { demand, everyPackage, install, type Site } from "../site.ts";
import { executable } from "../tree.ts";
import { quickStart } from "./quick-start.ts";

interface Project {
  readonly name: string;
  readonly tsc: "7" | "5.9";
  /** One of two files that import the packages in addition to start.ts, the quick start: for Node or for a browser. */
  readonly file: "node.ts" | "browser.ts";
  readonly options: Readonly<Record<string, unknown>>;
}

const COMPILERS = { "7": executable("typescript", "bin/tsc"), "5.9": executable("typescript-5", "bin/tsc") };
const NODENEXT = { module: "nodenext" };
const BUNDLER = { module: "esnext", moduleResolution: "bundler" };
/** TypeScript 7's `dom` has the types of WebGPU. Before that, and without `dom`, they come from a package. */
const WITH_DOM = { lib: ["es2023", "dom"], types: ["node"] };
const WITHOUT_DOM = { lib: ["es2023"], types: ["node", "@webgpu/types"] };

const PROJECTS: readonly Project[] = [
  { name: "nodenext", tsc: "7", file: "node.ts", options: { ...NODENEXT, ...WITHOUT_DOM } },
  { name: "bundler", tsc: "7", file: "node.ts", options: { ...BUNDLER, ...WITH_DOM } },
  // The settings of Vite's own template, whose lib lacks Disposable.
  {
    name: "page",
    tsc: "7",
    file: "browser.ts",
    options: { ...BUNDLER, lib: ["es2022", "dom", "dom.iterable"], types: [] },
  },
  { name: "nodenext-5", tsc: "5.9", file: "node.ts", options: { ...NODENEXT, ...WITHOUT_DOM } },
  { name: "bundler-5", tsc: "5.9", file: "node.ts", options: { ...BUNDLER, ...WITHOUT_DOM } },
];

/**
 * (b) The quick start and every entry of every package are type-checked, including our declarations (no skipLibCheck),
 * with both kinds of resolution, by the newest TypeScript and the oldest supported one. Errors in other packages'
 * declarations are ignored.
 */
export async function checkTypes(site: Site): Promise<string> {
  const entries = site.packages.flatMap((one) => one.entries).filter((entry) => !FOR_TEST_RUNNERS.has(entry));
  const inBrowsers = ["@bn/core", ...backendsOf(site).map(({ name }) => name)];
  const cwd = site.folder("types", {
    "start.ts": quickStart(readFileSync(join(site.tree, "README.md"), "utf8")).code,
    "node.ts": importsOf(entries),
    "browser.ts": importsOf(inBrowsers),
  });
  await install(cwd, ...everyPackage(site), "@types/node@24", "@webgpu/types@0.1.74");
  const complaints: string[] = [];
  for (const { name, tsc, file, options } of PROJECTS) {
    const common = { target: "es2022", strict: true, noEmit: true, skipLibCheck: false };
    const project = `tsconfig.${name}.json`;
    const compilerOptions = { ...common, ...options };
    writeFileSync(join(cwd, project), JSON.stringify({ compilerOptions, files: ["start.ts", file] }));
    const complete = [COMPILERS[tsc], "-p", project, "--pretty", "false"];
    await run(process.execPath, complete, { cwd }).catch(({ message }: Error) => {
      const errors = message.split("\n").filter((line) => / error TS\d+: /.test(line));
      const ours = errors.filter((line) => !line.startsWith("node_modules/") || line.startsWith("node_modules/@bn/"));
      if (errors.length === 0) complaints.push(message);
      complaints.push(...ours.map((line) => `TypeScript ${tsc}, ${name}: ${line}`));
    });
  }
  demand(complaints);
  return `${entries.length} entries; ${PROJECTS.map(({ name, tsc }) => `${name} (TypeScript ${tsc})`).join(", ")}`;
}

/** A program that imports and uses each module. */
function importsOf(entries: readonly string[]): string {
  const lines = entries.map((entry, i) => `import * as e${i} from "${entry}";\nexport type E${i} = typeof e${i};\n`);
  return lines.join("");
}
