import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";

/** The compressed files that npm installed: the folder `bin` of @sparticuz/chromium. */
const ARCHIVES = fileURLToPath(new URL("../bin/", import.meta.resolve("@sparticuz/chromium")));
const { version } = JSON.parse(readFileSync(join(ARCHIVES, "../package.json"), "utf8")) as { version: string };
const CACHE = fileURLToPath(new URL("../node_modules/.cache/bn-gpu/", import.meta.url));

/**
 * A folder that `fill` fills once per machine; later calls and other processes find it there. It appears complete or
 * not at all, so that two test processes may unpack at the same time.
 */
export function unpackedFolder(name: string, fill: (folder: string) => void): string {
  const folder = join(CACHE, `${name}-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(CACHE, { recursive: true });
  const draft = mkdtempSync(join(CACHE, `${name}-draft-`));
  try {
    fill(draft);
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // otherwise another process was faster
  }
  return folder;
}

export function decompress(archive: string): Buffer {
  return brotliDecompressSync(readFileSync(join(ARCHIVES, archive)));
}

/** Writes the plain files of a tar archive (ustar: blocks of 512 bytes, a header before each file). */
export function untar(tar: Buffer, folder: string): void {
  const text = (start: number, end: number) => tar.toString("latin1", start, end).split("\0")[0] as string;
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, at + 136), 8);
    const type = text(at + 156, at + 157);
    if (type === "0" || type === "") {
      const path = join(folder, text(at, at + 100));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, tar.subarray(at + 512, at + 512 + size), { mode: 0o755 });
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
}
