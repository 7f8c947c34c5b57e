import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { random } from "@bn/conformance";
import { afterAll, beforeAll, describe, it } from "vitest";
import { PLANTED, type Planted, sourceOf } from "../planted/bugs.ts";

// The recipe of docs/adding-a-backend.md with one bug at a time, as a user would meet it: `bn` names the mistake on one
// screen, and the command that it prints fails in the same way. PLANTED=all tests every bug; otherwise some are drawn
// by SEED.
const SOME = 4;
const BIN = join(dirname(createRequire(import.meta.url).resolve("@bn/cli/package.json")), "dist/bin.js");
/** The size of a terminal. A cause takes no more lines. */
const SCREEN = { lines: 24, columns: 100 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bn-planted-"));
  await symlink(fileURLToPath(new URL("../node_modules", import.meta.url)), join(folder, "node_modules"));
});
afterAll(() => rm(folder, { recursive: true }));

function bn(args: readonly string[]): Promise<{ code: number | null; stdout: string }> {
  return new Promise((resolve) => {
    const options = { cwd: folder, env: { ...process.env, NO_COLOR: "1" }, maxBuffer: 2 ** 26 };
    const child = execFile(process.execPath, [BIN, ...args], options, (_, stdout) =>
      resolve({ code: child.exitCode, stdout }),
    );
  });
}

function chosen(): readonly (readonly [string, Planted, number])[] {
  const all = PLANTED.map((planted, i) => [planted.bug, planted, i] as const);
  if (process.env.PLANTED === "all") return all;
  const r = random(`planted ${process.env.SEED ?? "1"}`);
  const drawn = all.map((one) => ({ one, at: r.uniform() })).toSorted((a, b) => a.at - b.at);
  return drawn.slice(0, SOME).map(({ one }) => one);
}

/** The report of each cause, from its first line to the empty line. */
const causesOf = (stdout: string) => stdout.split("\n\n").filter((block) => block.startsWith("FAILED"));

describe("a bug planted into the recipe's backend is told on one screen, and repeated by its command", () => {
  it.concurrent.for(chosen())("%s", async ([, planted, i], { expect }) => {
    const name = `./planted-${i}.ts`;
    await writeFile(join(folder, name), sourceOf(planted));
    const { code, stdout } = await bn(["conformance", "--quick", "--backend", name, "--filter", planted.filter]);
    expect(code).toBe(1);
    const causes = causesOf(stdout);
    const cause = causes.find((text) => planted.told.test(text.replace(/\n +/g, " "))) ?? "";
    expect(cause, stdout).not.toBe("");
    expect(causes.length, stdout).toBeLessThanOrEqual(planted.causes ?? 2);
    for (const text of causes) {
      // A command is one line, however long, so that it can be copied; the terminal wraps it.
      const lines = text.split("\n").filter((line) => !line.startsWith("  repeat   "));
      for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(SCREEN.columns);
      const rows = text.split("\n").reduce((sum, { length }) => sum + Math.ceil(length / SCREEN.columns), 0);
      expect(rows, text).toBeLessThanOrEqual(SCREEN.lines);
    }

    const repeat = /^ {2}repeat {3}bn (.*)$/m.exec(cause)?.[1] ?? "";
    expect(repeat).toContain(`--backend ${name} --quick --filter `);
    const again = await bn(repeat.split(" "));
    expect(again.code).toBe(1);
    const told = causesOf(again.stdout).map((text) => text.replace(/\n +/g, " "));
    expect(
      told.some((text) => planted.told.test(text)),
      again.stdout,
    ).toBe(true);
  });
});
