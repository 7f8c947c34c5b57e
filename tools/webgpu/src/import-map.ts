import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";

type Target = string | null | { readonly [condition: string]: Target };

interface Manifest {
  readonly name: string;
  readonly exports?: Target;
  readonly module?: string;
  readonly main?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Packages by name with their folders, and the import map that resolves their names in a browser. */
export interface ImportMap {
  readonly folders: ReadonlyMap<string, string>;
  readonly imports: Readonly<Record<string, string>>;
}

/** The import map of the packages in `roots` and of all their dependencies. Package "p" must be served under "/p/". */
export function importMapOf(roots: readonly string[]): ImportMap {
  const folders = new Map<string, string>();
  const imports: Record<string, string> = {};
  const waiting = [...roots];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
    if (folders.has(manifest.name)) continue;
    folders.set(manifest.name, realpathSync(folder));
    for (const [entry, path] of entriesOf(manifest)) {
      imports[manifest.name + entry.slice(1)] = `/${manifest.name}/${path.replace(/^\.\//, "")}`;
    }
    for (const name of Object.keys(manifest.dependencies ?? {})) {
      const dependency = join(folder, "node_modules", name);
      if (existsSync(dependency)) waiting.push(dependency);
    }
  }
  return { folders, imports };
}

/** The entries ("." or "./x") that a browser can import, with their files. */
function entriesOf({ exports, module, main = "index.js" }: Manifest): [string, string][] {
  if (exports === undefined || exports === null) return [[".", module ?? main]];
  const perEntry = typeof exports === "object" && Object.keys(exports).every((key) => key.startsWith("."));
  const targets = perEntry ? Object.entries(exports) : ([[".", exports]] as const);
  return targets.flatMap(([entry, target]) => {
    const path = browserTarget(target);
    return path === null || path.includes("*") ? [] : [[entry, path]];
  });
}

function browserTarget(target: Target): string | null {
  if (target === null || typeof target === "string") return target;
  for (const [condition, next] of Object.entries(target)) {
    if (["browser", "import", "module", "default"].includes(condition)) return browserTarget(next);
  }
  return null;
}
