import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, cpus, release, type } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { digestOf, type NotStarted, type RunRecord } from "@bn/conformance/report";
import { CONTRACT_VERSION } from "@bn/core";
import type { Settings } from "./conformance-options.ts";

export interface Ran {
  readonly started: Date;
  readonly packages: readonly string[];
  /** The ids of all cases, before they were divided into shards. */
  readonly ids: readonly string[];
  readonly ended: string | null;
  readonly notStarted: readonly NotStarted[];
}

/** The conditions of this run. */
export function runRecord(
  { shard, repeat, suite }: Settings,
  { started, packages, ids, ended, notStarted }: Ran,
): RunRecord {
  const versions = Object.fromEntries(["@bn/cli", "@bn/core", ...packages].map((name) => [name, versionOf(name)]));
  return {
    date: started.toISOString(),
    seconds: Math.round(Date.now() - started.getTime()) / 1000,
    suite: versionOf("@bn/conformance"),
    packages: versions,
    contract: CONTRACT_VERSION,
    seed: suite.goldens === undefined ? suite.seed : null,
    tier: suite.goldens === undefined ? suite.tier : null,
    runtime: runtimeText(),
    os: `${type()} ${release()} ${arch()}`,
    cpu: cpuText(),
    flags: process.argv.slice(2),
    repeat,
    shard: shard && { ...shard, cases: ids.length, digest: digestOf(ids) },
    ended,
    notStarted,
  };
}

/** Deno and Bun also present themselves as Node. */
function runtimeText(): string {
  const { deno, bun, node } = process.versions;
  if (deno !== undefined) return `Deno ${deno}`;
  return bun !== undefined ? `Bun ${bun}` : `Node.js ${node}`;
}

function cpuText(): string {
  const all = cpus();
  return all[0] ? `${all[0].model.trim()} x ${all.length}` : "unknown";
}

function versionOf(name: string): string {
  const own = name === "@bn/cli" ? join(dirname(fileURLToPath(import.meta.url)), "..", "package.json") : null;
  try {
    const path = own ?? createRequire(import.meta.url).resolve(`${name}/package.json`);
    return JSON.parse(readFileSync(path, "utf8")).version;
  } catch {
    return "unknown"; // a bundler may have removed the package's files
  }
}
