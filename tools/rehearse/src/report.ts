import { machineText } from "./consumers/imports.ts";
import type { Outcome } from "./rehearse.ts";

const kB = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;

/** Tables of what was installed, imported and bundled. */
export function reportText({ version, footprints, bundles, notes }: Outcome): string {
  const packages = footprints.map(({ name, own, total, start, startTime }) => [
    name,
    kB(own),
    kB(total),
    `${start} ${startTime.toFixed(1).padStart(6)} ms`,
  ]);
  const sizes = bundles.map(({ name, esbuild, webpack, limit }) => [
    `@bn/core + ${name}`,
    kB(esbuild),
    kB(webpack),
    kB(limit),
  ]);
  return [
    "",
    `version ${version}; started in a fresh process on ${machineText()}`,
    ...table([["package", "installed", "with dependencies", "start"], ...packages]),
    "",
    ...table([["min + gzip", "esbuild", "webpack", "limit"], ...sizes]),
    "",
    ...notes,
  ].join("\n");
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  "),
  );
}
