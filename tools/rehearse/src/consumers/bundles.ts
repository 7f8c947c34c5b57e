import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { build } from "esbuild";
import webpack from "webpack";
import { type BackendPackage, backendsOf } from "../roles.ts";
import { demand, install, type Site } from "../site.ts";

/** One backend with core, in bytes of minified, gzipped JavaScript. */
export interface BundleSize {
  readonly name: string;
  readonly esbuild: number;
  readonly webpack: number;
  readonly limit: number;
}

interface Bundle {
  readonly bytes: Buffer;
  /** Every file that is in the bundle. */
  readonly inputs: readonly string[];
}

const compressed = promisify(gzip);

/**
 * (d) A bundle of core and one backend, with all their exports, contains no other package of ours and stays below its
 * limit.
 */
export async function bundleBackends(site: Site): Promise<BundleSize[]> {
  const backends = backendsOf(site);
  const cwd = site.folder("bundles", {
    ...Object.fromEntries(
      backends.map(({ name }) => [fileOf(name), `export * from "@bn/core";\nexport * from "${name}";\n`]),
    ),
  });
  await install(cwd, "@bn/core", ...backends.map(({ name }) => name));
  const complaints: string[] = [];
  const sizes: BundleSize[] = [];
  for (const backend of backends) {
    const bundles = {
      esbuild: await byEsbuild(cwd, fileOf(backend.name)),
      webpack: await byWebpack(cwd, fileOf(backend.name)),
    };
    const size = { esbuild: await weight(bundles.esbuild), webpack: await weight(bundles.webpack) };
    sizes.push({ name: backend.name, ...size, limit: backend.limit });
    for (const bundler of ["esbuild", "webpack"] as const) {
      complaints.push(
        ...strangers(backend, bundles[bundler].inputs).map(
          (one) => `the ${bundler} bundle of ${backend.name} holds ${one}`,
        ),
      );
      if (size[bundler] > backend.limit) {
        complaints.push(
          `the ${bundler} bundle of ${backend.name} weighs ${size[bundler]} bytes, its limit is ${backend.limit}`,
        );
      }
    }
  }
  demand(complaints);
  return sizes;
}

const fileOf = (name: string) => `${name.replace("@bn/", "")}.js`;
const weight = async ({ bytes }: Bundle) => (await compressed(bytes, { level: 9 })).length;

/** Our packages in the bundle other than core and the backend, and these two if they are missing. */
function strangers({ name }: BackendPackage, inputs: readonly string[]): string[] {
  const found = new Set(inputs.flatMap((input) => /node_modules\/(@bn\/[^/]+)/.exec(input)?.slice(1) ?? []));
  const missing = ["@bn/core", name].filter((one) => !found.delete(one)).map((one) => `nothing of ${one}`);
  return [...found, ...missing];
}

async function byEsbuild(cwd: string, entry: string): Promise<Bundle> {
  const { outputFiles, metafile, warnings } = await build({
    absWorkingDir: cwd,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  demand(warnings.map(({ text, location }) => `esbuild warns of ${location?.file}: ${text}`));
  return { bytes: Buffer.from(outputFiles[0]?.contents ?? []), inputs: Object.keys(metafile.inputs) };
}

async function byWebpack(cwd: string, entry: string): Promise<Bundle> {
  const path = join(cwd, "webpack");
  const compiler = webpack({
    context: cwd,
    mode: "production",
    target: ["web", "es2022"],
    entry: `./${entry}`,
    experiments: { outputModule: true },
    output: { path, filename: entry, library: { type: "module" } },
    performance: false,
  });
  const stats = await promisify(compiler.run.bind(compiler))();
  await promisify(compiler.close.bind(compiler))();
  const {
    errors = [],
    warnings = [],
    modules = [],
  } = stats?.toJson({
    all: false,
    errors: true,
    warnings: true,
    modules: true,
    nestedModules: true,
    modulesSpace: 1e6,
    nestedModulesSpace: 1e6,
  }) ?? {};
  demand([...errors, ...warnings].map(({ message, moduleName }) => `webpack, ${moduleName}: ${message}`));
  const inputs = modules
    .flatMap((one) => [one, ...(one.modules ?? [])])
    .map(({ name, identifier }) => `${identifier} ${name}`);
  const bytes = readFileSync(join(path, entry));
  rmSync(path, { recursive: true });
  return { bytes, inputs };
}
