import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { BY_CI, pagesWithCommands } from "../src/consumers/commands.ts";
import { quickStart } from "../src/consumers/quick-start.ts";
import { FAULTS, plant } from "../src/faults.ts";
import { endAll, run } from "../src/processes.ts";
import { backendsOf } from "../src/roles.ts";
import { createSite } from "../src/site.ts";
import { installedSizes } from "../src/sizes.ts";
import { publicPackages, ROOT } from "../src/tree.ts";

const folder = mkdtempSync(join(tmpdir(), "bn-rehearse-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const site = (names: readonly string[]) => {
  const packages = names.map((name) => ({ name, version: "1.0.0", folder, entries: [name] }));
  return createSite(folder, folder, packages, "", { url: "", npmrc: "", close: async () => {} });
};

describe("the repository as it is", () => {
  it("has a role for every public package", () => {
    const names = publicPackages(ROOT).map(({ name }) => name);
    expect(names).toContain("@bn/core");
    expect(backendsOf(site(names)).map(({ name }) => name)).toContain("@bn/cpu");
  });

  it("lists every public package as fixed, so that all have one version", () => {
    const { fixed } = JSON.parse(readFileSync(join(ROOT, ".changeset/config.json"), "utf8"));
    expect(fixed.flat().sort()).toEqual(
      publicPackages(ROOT)
        .map(({ name }) => name)
        .sort(),
    );
  });

  it("has a quick start", () => {
    const { install, code, prints } = quickStart(readFileSync(join(ROOT, "README.md"), "utf8"));
    expect(install).toMatch(/^npm install @bn\/core @bn\//);
    expect(code).toMatch(/@bn\/core/);
    expect(prints).not.toBe("");
  });

  it.each(BY_CI)("runs %s in .ci/run, where the rehearsal leaves it out of the commands of pages", (script) => {
    expect(readFileSync(join(ROOT, ".ci/run"), "utf8")).toMatch(new RegExp(`^\\$pnpm ${script}\\b`, "m"));
  });

  it("has pages whose commands are run", () => {
    const paths = pagesWithCommands().map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining(["README.md", "docs/adding-a-backend.md", "examples/write-a-backend/README.md"]),
    );
  });

  it.each(FAULTS)("can be broken: $what", (fault) => {
    const copy = join(folder, fault.folder);
    mkdirSync(copy, { recursive: true });
    const text = readFileSync(join(ROOT, fault.folder, "package.json"), "utf8");
    writeFileSync(join(copy, "package.json"), text);
    const mend = plant(folder, fault);
    expect(JSON.parse(readFileSync(join(copy, "package.json"), "utf8"))).not.toEqual(JSON.parse(text));
    mend();
    expect(readFileSync(join(copy, "package.json"), "utf8")).toBe(text);
  });
});

it("refuses a package without a role", () => {
  expect(() => backendsOf(site(["@bn/core", "@bn/abacus"]))).toThrow("@bn/abacus: no row");
});

describe("quickStart", () => {
  const page = (code: string) => `# x\n\n\`\`\`sh\nnpm install a b\n\`\`\`\n\n\`\`\`js\n${code}\n\`\`\`\n`;

  it("takes the installation before the first program", () => {
    expect(quickStart(page("console.log(1); // 1"))).toEqual({
      install: "npm install a b",
      code: "console.log(1); // 1\n",
      prints: "1",
    });
  });

  it.each([
    ["no program", "# x\n`npm install a`\n", "expected a js block"],
    ["no installation", page("").replace("npm install a b", ""), "npm install"],
    ["nothing printed", page("let a = 1;"), "must print"],
    ["output that varies", page("console.log(1); // e.g. 1"), "must print"],
  ])("refuses a page with %s", (_, text, message) => {
    expect(() => quickStart(text)).toThrow(message);
  });
});

it("counts a package once, whoever depends on it, and leaves out what lies in its node_modules", () => {
  const make = (path: string, dependencies: Record<string, string>, bytes: number) => {
    const at = join(folder, "sizes", path);
    mkdirSync(at, { recursive: true });
    const manifest = JSON.stringify({ name: path, dependencies });
    writeFileSync(join(at, "package.json"), manifest.padEnd(bytes));
  };
  make("node_modules/a", { b: "1", c: "1" }, 100);
  make("node_modules/b", { c: "1" }, 200);
  make("node_modules/b/node_modules/c", {}, 400);
  make("node_modules/c", {}, 800);
  expect(installedSizes(join(folder, "sizes"), "a")).toEqual({ own: 100, total: 1500 });
});

describe("run", () => {
  it("gives standard output, and an error with all that was printed", async () => {
    expect(await run("bash", ["-c", "echo out; echo err >&2"], { cwd: folder })).toBe("out\n");
    await expect(run("bash", ["-c", "echo out; echo err >&2; exit 3"], { cwd: folder })).rejects.toThrow(
      /exited with 3\nout\nerr/,
    );
    await expect(run("no-such-command", [], { cwd: folder })).rejects.toThrow("ENOENT");
  });

  it("ends what takes too long", async () => {
    await expect(run("sleep", ["600"], { cwd: folder, seconds: 0.1 })).rejects.toThrow("took longer than 0.1 s");
  });

  it("ends what a command has started in turn", async () => {
    const pid = join(folder, "pid");
    const ended = run("bash", ["-c", `sleep 600 & echo $! > ${pid}; wait`], { cwd: folder, seconds: 600 }).catch(
      (error: Error) => error.message,
    );
    const sleeper = () => Number(existsSync(pid) && readFileSync(pid, "utf8"));
    await expect.poll(sleeper, { timeout: 30_000 }).toBeGreaterThan(0);
    endAll();
    expect(await ended).toContain("was ended by SIGKILL");
    await expect.poll(() => isAlive(sleeper()), { timeout: 30_000 }).toBe(false);
  });

  it("starts bash without the user's ~/.bashrc", async () => {
    const home = mkdtempSync(join(folder, "home-"));
    writeFileSync(join(home, ".bashrc"), "echo from .bashrc");
    // SHLVL tells bash that it runs inside another shell; without it, bash would treat a socket as a login.
    const env = { HOME: home, SHLVL: "0" };
    expect(await run("bash", ["-c", "echo out"], { cwd: folder, env })).toBe("out\n");
  });

  it("hides the package manager that runs it", async () => {
    const printed = await run("bash", ["-c", "env"], { cwd: folder });
    expect(printed).not.toMatch(/^p?npm_/im);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}
