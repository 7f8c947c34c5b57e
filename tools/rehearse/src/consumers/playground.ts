import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type Site, type } from "../site.ts";

const NOT_COPIED = ["node_modules", "dist", "test"];

/** (g) The playground's site, built from the packages as published. */
export async function buildPlayground(site: Site): Promise<string> {
  // The folder is as deep as in the repository, because its tsconfig.json extends the one in the root.
  const cwd = site.folder("playground/apps/playground");
  cpSync(join(site.tree, "tsconfig.base.json"), join(cwd, "../../tsconfig.base.json"));
  const npmrc = readFileSync(join(cwd, ".npmrc"), "utf8");
  cpSync(join(site.tree, "apps/playground"), cwd, {
    recursive: true,
    filter: (path) => !NOT_COPIED.includes(basename(path)),
  });
  writeFileSync(join(cwd, ".npmrc"), npmrc);
  const manifest = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8"));
  const versions = new Map(site.packages.map(({ name, version }) => [name, version]));
  const published = Object.entries<string>(manifest.dependencies).map(([name, range]) => [
    name,
    versions.get(name) ?? range,
  ]);
  writeFileSync(
    join(cwd, "package.json"),
    JSON.stringify({ ...manifest, dependencies: Object.fromEntries(published), devDependencies: {} }),
  );
  await type(cwd, "npm install --ignore-scripts --no-audit --no-fund");
  await type(cwd, "npx vite build --logLevel error");
  const index = join(cwd, "dist/index.html");
  if (!existsSync(index)) throw new Error("playground: the build wrote no index.html");
  const html = readFileSync(index, "utf8");
  const absolute = /(?:src|href)="\/[^"]*"/.exec(html)?.[0];
  if (absolute) throw new Error(`playground: index.html has ${absolute}, expected addresses relative to it`);
  return `built with ${published.filter(([name]) => name?.startsWith("@bn/")).length} packages of ours`;
}
