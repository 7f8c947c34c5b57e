import { readdir, readFile } from "node:fs/promises";
import type { GoldenReader } from "../src/goldens/index.ts";

const FOLDER = new URL("../goldens/", import.meta.url);

/** The shipped folder in memory, for changes: a new copy of every file. */
export async function shippedFiles(): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const name of await readdir(FOLDER)) files.set(name, new Uint8Array(await readFile(new URL(name, FOLDER))));
  return files;
}

export function readerOf(files: ReadonlyMap<string, Uint8Array>): GoldenReader {
  return {
    async bytes(name) {
      const found = files.get(name);
      if (!found) throw new Error("no such file");
      return found;
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the file as it is, for tests that break it
export type CasesJson = any;

export function casesJson(files: ReadonlyMap<string, Uint8Array>): CasesJson {
  return JSON.parse(new TextDecoder().decode(files.get("cases.json")));
}

export function encoded(json: CasesJson): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(json));
}

/** The reader after `alter` has changed cases.json. */
export function withCases(files: ReadonlyMap<string, Uint8Array>, alter: (json: CasesJson) => unknown): GoldenReader {
  const json = casesJson(files);
  const altered = alter(json) ?? json;
  return readerOf(new Map([...files, ["cases.json", encoded(altered)]]));
}
