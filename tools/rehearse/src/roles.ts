import type { Site } from "./site.ts";

/**
 * A package whose `create` makes a backend, and the largest bundle of core, the package and its dependencies (min +
 * gzip, bytes).
 */
export interface BackendPackage {
  readonly name: string;
  readonly create: string;
  readonly limit: number;
}

const BACKENDS: readonly BackendPackage[] = [
  { name: "@bn/cpu", create: "createCpu", limit: 27_500 },
  { name: "@bn/wasm", create: "createWasm", limit: 45_000 },
  { name: "@bn/webgpu", create: "createWebGpu", limit: 36_000 },
];
const OTHERS = ["@bn/core", "@bn/conformance", "@bn/onnx", "@bn/caffe", "@bn/mpi", "@bn/cli"];

/** Entries that have a meaning only inside a test runner; the backend made from the template imports them. */
export const FOR_TEST_RUNNERS: ReadonlySet<string> = new Set(["@bn/conformance/vitest"]);

/** The backends among the published packages. A package that is in neither list would not be rehearsed. */
export function backendsOf({ packages }: Site): readonly BackendPackage[] {
  const names = packages.map(({ name }) => name);
  const unknown = names.filter((name) => !OTHERS.includes(name) && !BACKENDS.some((one) => one.name === name));
  if (unknown.length > 0) throw new Error(`${unknown.join(", ")}: no row in tools/rehearse/src/roles.ts; add it`);
  return BACKENDS.filter(({ name }) => names.includes(name));
}
