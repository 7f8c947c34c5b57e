import type { Supports } from "@bn/core";
import { type Listed, listBackends } from "./backends.ts";
import { openOutputs, type ReportOptions } from "./files.ts";

/**
 * `bn backends` prints each known backend to standard output. It has no verdict, because an absent backend is not a
 * failure.
 */
export async function backendsCommand({ json, force }: ReportOptions): Promise<void> {
  const outputs = await openOutputs({ "--json": json }, force);
  const listed = await listBackends();
  outputs.text.write(`${listed.map(textOf).join("\n")}\n`);
  await outputs.write({ "--json": () => `${JSON.stringify(listed.map(jsonOf), null, 2)}\n` });
}

function jsonOf({ name, package: from, available, reason }: Listed): Readonly<Record<string, unknown>> {
  const base = { name, package: from, available: available !== null };
  return available ? { ...base, supports: available.supports } : { ...base, reason };
}

function textOf({ name, package: from, available, reason }: Listed): string {
  if (!available) return `${name}  ${from}  not available: ${reason}`;
  return `${name}  ${from}  available\n${supportsText(available.supports)}`;
}

function supportsText({ dtypes, threads, details, ...facts }: Supports): string {
  const lines = [
    ["dtypes", dtypes.join(", ")],
    ...Object.entries(facts).map(([fact, holds]) => [fact, holds ? "yes" : "no"] as const),
    ["threads", String(threads)],
    ...Object.entries(details),
  ] as const;
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join("\n");
}
