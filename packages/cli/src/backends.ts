import type { Backend, Supports } from "@bn/core";
import { createFromModule, isModulePath, messageOf } from "./backend-module.ts";
import { bad, noBackend, unavailable } from "./errors.ts";
import { withoutDriverLog } from "./quiet.ts";

/** A backend that this command knows. To add one, add a row here, and its package to package.json. */
interface Known {
  readonly package: string;
  /** The function of the package that creates one. */
  readonly factory: string;
  /** Whether its instances use no common device, so that several processes do not wait for each other. */
  readonly sideBySide: boolean;
  create(): Promise<Backend>;
}

const KNOWN: Readonly<Record<string, Known>> = {
  cpu: {
    package: "@bn/cpu",
    factory: "createCpu",
    sideBySide: true,
    create: async () => (await import("@bn/cpu")).createCpu(),
  },
  wasm: {
    package: "@bn/wasm",
    factory: "createWasm",
    sideBySide: true,
    create: async () => (await import("@bn/wasm")).createWasm(),
  },
  webgpu: {
    package: "@bn/webgpu",
    factory: "createWebGpu",
    sideBySide: false,
    create: () => withoutDriverLog(async () => (await import("@bn/webgpu")).createWebGpu()),
  },
};

/** A backend that works here: one instance was created and disposed. */
export interface Available {
  readonly name: string;
  readonly supports: Supports;
  create(): Promise<Backend>;
}

/** The package of a known backend, and either the facts that it supports or the reason why it cannot run here. */
export interface Listed {
  readonly name: string;
  readonly package: string;
  readonly available: Available | null;
  readonly reason: string;
}

/** The names that `--backend` accepts, in the order in which reports show them. */
const knownNames = (): string[] => Object.keys(KNOWN);

const knownOf = (spec: string): Known | undefined => (Object.hasOwn(KNOWN, spec) ? KNOWN[spec] : undefined);

export const factoryOf = (spec: string): string => knownOf(spec)?.factory ?? "create";

export const runsSideBySide = (spec: string): boolean => knownOf(spec)?.sideBySide === true;

/** The package of a known backend; null for a module. */
export const packageOf = (spec: string): string | null => knownOf(spec)?.package ?? null;

/**
 * Opens the backend of one name or path.
 *
 * Errors: those of `chooseBackends`.
 */
export async function openBackend(spec: string): Promise<Backend> {
  if (isModulePath(spec)) return createFromModule(spec);
  const known = knownOf(spec);
  if (!known) throw unknown(spec);
  try {
    return await known.create();
  } catch (error) {
    const what = `backend "${spec}" is not available on this machine: ${messageOf(error)}`;
    throw unavailable(what, error);
  }
}

/**
 * The names and paths of a list such as `cpu,./mine.js`, each once. Without a list, all known names.
 *
 * Errors: `ERR_BN_PARAM` for an unknown name or an empty list.
 */
export function specsOf(list: string | undefined): string[] {
  if (list === undefined) return knownNames();
  const specs = [...new Set(list.split(",").map((spec) => spec.trim()))].filter((spec) => spec !== "");
  if (specs.length === 0) throw bad(`--backend is empty, expected ${namesText()}`);
  for (const spec of specs) {
    if (!isModulePath(spec) && !knownOf(spec)) throw unknown(spec);
  }
  return specs;
}

/** Tries every known backend in turn. */
export async function listBackends(): Promise<Listed[]> {
  const listed: Listed[] = [];
  for (const [name, { package: from, create }] of Object.entries(KNOWN)) {
    try {
      listed.push({ name, package: from, available: await probe(name, create), reason: "" });
    } catch (error) {
      listed.push({ name, package: from, available: null, reason: messageOf(error) });
    }
  }
  return listed;
}

/**
 * The backends of `--backend`, or all that are available here. Those that are not available are named on standard
 * error.
 *
 * Errors: those of `chooseBackends`; `ERR_BN_UNAVAILABLE` if none is available.
 */
export async function backendsOf(list: string | undefined): Promise<Available[]> {
  if (list !== undefined) return chooseBackends(list);
  const listed = await listBackends();
  for (const { name, available, reason } of listed) {
    if (!available) process.stderr.write(`${name} is not available and is skipped: ${reason}\n`);
  }
  const found = listed.flatMap(({ available }) => (available ? [available] : []));
  if (found.length === 0) {
    throw noBackend();
  }
  return found;
}

/**
 * The backends of a list such as `cpu,./mine.js`: names of the table and paths of modules.
 *
 * Errors: `ERR_BN_PARAM` (an unknown name, an empty list), `ERR_BN_DATA` (a module that cannot be read or does not
 * return a backend), `ERR_BN_UNAVAILABLE` (a known backend that cannot run here).
 */
async function chooseBackends(list: string): Promise<Available[]> {
  const chosen: Available[] = [];
  for (const spec of specsOf(list)) {
    const found = await chooseBackend(spec);
    // Reports distinguish backends by name, so a module that calls itself "cpu" must not be mixed up with cpu.
    const taken = chosen.some(({ name }) => name === found.name);
    chosen.push(taken ? { ...found, name: `${found.name} (${spec})` } : found);
  }
  return chosen;
}

async function chooseBackend(spec: string): Promise<Available> {
  return probe(isModulePath(spec) ? null : spec, () => openBackend(spec));
}

/** Creates one instance, records its `supports`, and disposes it. */
async function probe(name: string | null, create: () => Promise<Backend>): Promise<Available> {
  const backend = await create();
  const found = { name: name ?? backend.name, supports: backend.supports, create };
  await backend.dispose();
  return found;
}

function namesText(): string {
  return `${Object.keys(KNOWN).join(", ")} or the path of a module such as ./my-backend.js`;
}

const unknown = (spec: string): Error => bad(`unknown backend "${spec}", expected ${namesText()}`);
