import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./processes.ts";

/** The repository that is rehearsed. */
export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** The fields of a package.json that are used here. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

export interface PublicPackage {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
  /** The names that can be imported: `@bn/conformance`, `@bn/conformance/report`, ... */
  readonly entries: readonly string[];
}

/**
 * Copies every file that git tracks or would track into a new repository, installs it, raises its versions, and builds
 * it.
 */
export async function prepareTree(folder: string, step: Step): Promise<void> {
  await step("copy", async () => {
    const files = await run("git", ["ls-files", "-co", "--exclude-standard", "-z"], { cwd: ROOT });
    for (const file of files.split("\0").filter((one) => one !== "" && existsSync(join(ROOT, one)))) {
      cpSync(join(ROOT, file), join(folder, file), { recursive: true });
    }
    const who = ["-c", "user.name=rehearsal", "-c", "user.email=rehearsal@localhost"];
    await run("git", ["init", "-q", "-b", "main"], { cwd: folder });
    await run("git", ["add", "-A"], { cwd: folder });
    await run("git", [...who, "commit", "-q", "-m", "rehearsal"], { cwd: folder });
  });
  await step("install", () =>
    run("pnpm", ["install", "--frozen-lockfile", "--prefer-offline"], { cwd: folder, seconds: 240 }),
  );
  await step("changeset version", async () => {
    // On main there are no changesets after the version pull request is merged, and the versions are those that will be
    // published.
    if (changesets(folder).length > 0) await run("pnpm", ["exec", "changeset", "version"], { cwd: folder });
    const unchanged = publicPackages(folder).filter((one) => !existsSync(join(one.folder, "CHANGELOG.md")));
    if (unchanged.length > 0) throw new Error(`no CHANGELOG.md for ${unchanged.map(({ name }) => name).join(", ")}`);
    const versions = new Map(publicPackages(folder).map(({ name, version }) => [version, name]));
    if (versions.size === 1) return;
    const each = [...versions].map(([version, name]) => `${name} ${version}`).join(", ");
    throw new Error(`versions differ (${each}): list every public package under "fixed" in .changeset/config.json`);
  });
  await step("build", () => run("pnpm", ["--filter", "./packages/*", "run", "build"], { cwd: folder, seconds: 300 }));
}

function changesets(folder: string): string[] {
  return readdirSync(join(folder, ".changeset")).filter((file) => file.endsWith(".md") && file !== "README.md");
}

/** Runs a step, and reports how long it takes. */
export type Step = <T>(name: string, body: () => T | Promise<T>) => Promise<T>;

export function publicPackages(tree: string): PublicPackage[] {
  const folders = readdirSync(join(tree, "packages")).map((one) => join(tree, "packages", one));
  const manifests = folders.map((folder) => ({ folder, ...manifestOf(folder) }));
  return manifests
    .filter((one) => !one.private)
    .map(({ name, version, folder, exports }) => ({
      name,
      version,
      folder,
      entries: Object.keys(exports)
        .filter((key) => key !== "./package.json")
        .map((key) => name + key.slice(1)),
    }));
}

export function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/** The executable of one of this package's dependencies, e.g. `bin/tsc` of `typescript`. */
export function executable(dependency: string, path: string): string {
  return join(dirname(fileURLToPath(import.meta.resolve(`${dependency}/package.json`))), path);
}
