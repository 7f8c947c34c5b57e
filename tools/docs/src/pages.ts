import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The root folder of the repository. */
export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

export interface Page {
  /** The path from the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const SKIPPED = ["**/node_modules/**", "**/dist/**"];

export function read(...patterns: string[]): Page[] {
  const paths = globSync(patterns, { cwd: ROOT, exclude: SKIPPED }).map((path) => path.replaceAll("\\", "/"));
  return paths.sort().map((path) => ({ path, text: readFileSync(ROOT + path, "utf8") }));
}

const [manifest] = read("tools/docs/package.json");

/** The packages that are built before the tests of this one run, which are its dependencies. */
export const CHECKED = Object.keys(JSON.parse(manifest?.text ?? "").dependencies);

const folders = CHECKED.map((name) => name.replace("@bn/", "packages/"));

/** Every page that readers of the repository or of a package see. */
export const pages = (): Page[] =>
  read(
    "*.md",
    "docs/**/*.md",
    "benchmarks/README.md",
    "examples/**/README.md",
    "tools/*/README.md",
    "packages/*/README.md",
    "packages/conformance/goldens/README.md",
  );

/** Sources whose docstrings are published. */
export const sources = (): Page[] => read(...folders.map((one) => `${one}/src/**/*.ts`));
