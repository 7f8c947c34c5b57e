import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { softwareDriver } from "./adapter.ts";
import { importMapOf } from "./import-map.ts";

/**
 * The Deno executable from its npm package for this platform, or null if there is none. Its WebGPU is wgpu, which
 * compiles WGSL with naga, a second implementation next to Dawn's Tint.
 */
export function denoProgram(): string | null {
  const suffix = process.platform === "linux" ? "-glibc" : "";
  const file = process.platform === "win32" ? "deno.exe" : "deno";
  try {
    const require = createRequire(import.meta.resolve("deno/package.json"));
    const manifest = require.resolve(`@deno/${process.platform}-${process.arch}${suffix}/package.json`);
    const program = join(dirname(manifest), file);
    return existsSync(program) ? program : null;
  } catch {
    return null;
  }
}

/**
 * Runs a module in Deno and returns its output. An import map resolves `import "@bn/core"` and similar names to built
 * packages. `roots` are folders of packages; their dependencies are included. The module has no permissions and cannot
 * import anything else. On Linux it uses the same software driver as Node without a GPU.
 *
 * Errors: rejects with the text of stderr if the exit status is not 0.
 */
export async function runInDeno(program: string, module: string, roots: readonly string[]): Promise<string> {
  const child = spawn(program, [...ARGUMENTS, `--import-map=${importMapUrl(roots)}`, "-"], {
    env: { ...process.env, ...driverEnvironment(), DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
  });
  child.stdin.end(module);
  const ended = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  const [output, errors, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (status !== 0) throw new Error(`deno ended with status ${status}: ${errors}`);
  return output;
}

const ARGUMENTS = [
  "run",
  "--quiet",
  "--no-config",
  "--no-lock",
  "--no-remote",
  "--no-npm",
  "--cached-only",
  "--no-prompt",
];

/** An import map of the packages' names to file URLs, as a URL of its own. */
function importMapUrl(roots: readonly string[]): string {
  const { folders, imports } = importMapOf(roots);
  const files = Object.entries(imports).map(([specifier, path]) => {
    const name = [...folders.keys()].find((one) => path.startsWith(`/${one}/`)) as string;
    const file = join(folders.get(name) as string, path.slice(name.length + 2));
    return [specifier, pathToFileURL(file).href];
  });
  return `data:application/json,${encodeURIComponent(JSON.stringify({ imports: Object.fromEntries(files) }))}`;
}

function driverEnvironment(): Readonly<Record<string, string>> {
  if (process.platform !== "linux") return {}; // Metal and Direct3D need no software driver
  const driver = softwareDriver();
  return { VK_DRIVER_FILES: driver, LD_LIBRARY_PATH: dirname(driver) };
}
