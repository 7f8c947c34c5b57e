// Packs every public package as `pnpm publish` does, and checks each tarball with publint and are-the-types-wrong.
// These tarballs are what a user installs, unlike the workspace.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const bin = fileURLToPath(new URL("../node_modules/.bin/", import.meta.url));
const packagesFolder = join(root, "packages");

/** Runs a command. Returns true if it exited with 0; otherwise its output is shown. */
function passes(label: string, command: string, args: readonly string[], cwd: string): boolean {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status === 0) return true;
  process.stderr.write(`${label} failed:\n${error?.message ?? ""}${stdout}${stderr}\n`);
  return false;
}

const tarballs = mkdtempSync(join(tmpdir(), "bn-pack-"));
let failed = 0;
let checked = 0;
try {
  for (const folder of readdirSync(packagesFolder)) {
    const cwd = join(packagesFolder, folder);
    const { name, private: isPrivate } = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8"));
    if (isPrivate) continue;
    const tarball = join(tarballs, `${folder}.tgz`);
    const ok =
      passes(`pnpm pack ${name}`, "pnpm", ["pack", "--out", tarball], cwd) &&
      passes(`publint ${name}`, join(bin, "publint"), ["run", tarball, "--strict"], root) &&
      passes(`attw ${name}`, join(bin, "attw"), [tarball, "--profile", "esm-only"], root);
    process.stdout.write(`${ok ? "ok" : "FAILED"}  ${name}\n`);
    checked++;
    if (!ok) failed++;
  }
} finally {
  rmSync(tarballs, { recursive: true });
}
process.exitCode = failed > 0 || checked === 0 ? 1 : 0;
