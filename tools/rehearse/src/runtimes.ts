import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "./processes.ts";
import { CACHE, type Site } from "./site.ts";

/** A JavaScript runtime from the npm package that contains only its executable for this platform. */
export interface Runtime {
  /** `Node 24.21.0` */
  readonly name: string;
  /** Runs a module of `cwd` with arguments, and returns its output. */
  run(cwd: string, module: string, ...args: readonly string[]): Promise<string>;
}

interface Release {
  readonly name: string;
  readonly version: string;
  readonly package: string;
  /** The path of the executable in the package. */
  readonly file: string;
  /** The arguments before a module on its command line. */
  readonly args: readonly string[];
}

const { platform, arch } = process;
const windows = platform === "win32";
const system = windows ? "win" : platform;
const exe = windows ? ".exe" : "";
/** The variant of Bun that also runs on processors without AVX2. */
const bunArch = arch === "x64" ? "x64-baseline" : "aarch64";

const node = (version: string): Release => ({
  name: "Node",
  version,
  package: `node-${system}-${arch}`,
  file: `bin/node${exe}`,
  args: [],
});

/** The runtimes that published code is promised to support (docs/support.md). */
const RELEASES: readonly Release[] = [
  node("20.20.2"),
  node("22.23.3"),
  node("24.21.0"),
  {
    name: "Deno",
    version: "2.9.6",
    package: `@deno/${platform}-${arch}${platform === "linux" ? "-glibc" : ""}`,
    file: `deno${exe}`,
    args: ["run", "--quiet", "--no-prompt", "--allow-all"],
  },
  {
    name: "Bun",
    version: "1.4.5",
    package: `@oven/bun-${windows ? "windows" : platform}-${bunArch}`,
    file: `bin/bun${exe}`,
    args: [],
  },
];

export async function runtimes({ uplink }: Pick<Site, "uplink">): Promise<Runtime[]> {
  const found: Runtime[] = [];
  for (const { name, version, package: one, file, args } of RELEASES) {
    const prefix = join(CACHE, `${name.toLowerCase()}-${version}`);
    const program = join(prefix, "node_modules", one, file);
    if (!existsSync(program)) {
      mkdirSync(prefix, { recursive: true });
      const env = { npm_config_registry: uplink, npm_config_cache: join(CACHE, "npm") };
      await run("npm", ["install", "--no-audit", "--no-fund", "--prefix", prefix, `${one}@${version}`], {
        cwd: prefix,
        env,
        seconds: 240,
      });
    }
    found.push({
      name: `${name} ${version}`,
      run: (cwd, module, ...rest) => run(program, [...args, module, ...rest], { cwd }),
    });
  }
  return found;
}
