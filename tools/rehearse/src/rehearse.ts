import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { trainInBrowser } from "./consumers/browser.ts";
import { type BundleSize, bundleBackends } from "./consumers/bundles.ts";
import { runCommands } from "./consumers/commands.ts";
import { type Footprint, importEverything } from "./consumers/imports.ts";
import { buildPlayground } from "./consumers/playground.ts";
import { runQuickStart } from "./consumers/quick-start.ts";
import { checkTypes } from "./consumers/types.ts";
import { type Fault, plant } from "./faults.ts";
import { run } from "./processes.ts";
import { type Registry, startRegistry } from "./registry.ts";
import { backendsOf } from "./roles.ts";
import { createSite, type Site } from "./site.ts";
import { type PublicPackage, prepareTree, publicPackages, ROOT, type Step } from "./tree.ts";

/** The built copy with its next version, which can be published any number of times. */
export interface Prepared {
  readonly folder: string;
  readonly tree: string;
  readonly uplink: string;
}

export interface Outcome {
  readonly version: string;
  readonly footprints: readonly Footprint[];
  readonly bundles: readonly BundleSize[];
  /** The results of the consumers, one line each. */
  readonly notes: readonly string[];
}

export async function prepare(folder: string, step: Step): Promise<Prepared> {
  const tree = join(folder, "tree");
  const uplink = (await run("npm", ["config", "get", "registry"], { cwd: ROOT })).trim();
  await prepareTree(tree, step);
  return { folder, tree, uplink };
}

/** Publishes the copy to a new registry and lets every consumer install from it. Rejects if one of them fails. */
export async function rehearse(prepared: Prepared, name: string, step: Step): Promise<Outcome> {
  const { folder, tree, uplink } = prepared;
  const registry = await startRegistry(join(folder, name, "registry"), uplink);
  try {
    const packages = publicPackages(tree);
    const site = createSite(join(folder, name), tree, packages, uplink, registry);
    backendsOf(site);
    await step("release:publish", () => publish(tree, registry, packages));
    return await consume(site, step);
  } finally {
    await registry.close();
  }
}

async function consume(site: Site, step: Step): Promise<Outcome> {
  const started = await step("quick start on each runtime", () => runQuickStart(site));
  const footprints = await step("imports and the bn command on each runtime", () => importEverything(site));
  const types = await step("types", () => checkTypes(site));
  const bundles = await step("bundles", () => bundleBackends(site));
  const trained = await step("training in a browser", () => trainInBrowser(site));
  const playground = await step("the playground's site", () => buildPlayground(site));
  const commands = await runCommands(site, step);
  const notes = [
    `quick start: ${started}`,
    `types: ${types}`,
    `browser: ${trained}`,
    `playground: ${playground}`,
    `commands: ${commands}`,
  ];
  return { version: site.packages[0]?.version ?? "", footprints, bundles, notes };
}

/** The environment in which the release workflow would run. */
const GITHUB = { GITHUB_SERVER_URL: "https://github.com", GITHUB_REPOSITORY: "owner/bn" };

/** Publishes like the release workflow, then checks that all packages have arrived and name their origin. */
async function publish(tree: string, { url, npmrc }: Registry, packages: readonly PublicPackage[]): Promise<void> {
  const userconfig = join(tree, "..", "publisher.npmrc");
  writeFileSync(userconfig, npmrc);
  const env = { npm_config_userconfig: userconfig, npm_config_registry: url, ...GITHUB };
  await run("pnpm", ["run", "release:publish", "--no-git-tag"], { cwd: tree, env });
  for (const { name, version, folder } of packages) {
    const response = await fetch(new URL(`${name}/${version}`, url));
    if (!response.ok) throw new Error(`${name} ${version} was not published: HTTP ${response.status}`);
    const { repository } = (await response.json()) as { repository?: unknown };
    const directory = relative(tree, folder).replaceAll("\\", "/");
    const expected = { type: "git", url: "git+https://github.com/owner/bn.git", directory };
    if (!isDeepStrictEqual(repository, expected)) {
      throw new Error(`${name}: repository is ${JSON.stringify(repository)}, expected ${JSON.stringify(expected)}`);
    }
  }
}

/** Rehearses with one planted mistake. Rejects if the rehearsal passes, or fails for another reason. */
export async function showFault(
  prepared: Prepared,
  fault: Fault,
  step: Step,
  write: (text: string) => void,
): Promise<void> {
  write(`\n${fault.what}`);
  const mend = plant(prepared.tree, fault);
  const outcome = await rehearse(prepared, fault.what.replace(/\W+/g, "-"), step).then(
    () => "it passed",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  mend();
  const telling = outcome.split("\n").find((line) => fault.complaint.test(line));
  if (telling === undefined) throw new Error(`the rehearsal was to fail because ${fault.what}, but: ${outcome}`);
  write(`caught, as it should be: ${telling.trim()}`);
}
