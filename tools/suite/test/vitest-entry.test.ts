import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, it } from "vitest";

const ROOT = fileURLToPath(new URL("../unruly/", import.meta.url));
const VITEST = fileURLToPath(new URL("../../../node_modules/vitest/vitest.mjs", import.meta.url));

/** The output and the exit status of `vitest run` if the backend in unruly/judged.ts does `deed`. */
function judge(deed: string): Promise<{ code: number | null; printed: string }> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, DEED: deed, NO_COLOR: "1" };
    const child = spawn(process.execPath, [VITEST, "run", "--root", ROOT], { env, stdio: ["ignore", "pipe", "pipe"] });
    let printed = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (text) => {
        printed += text;
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, printed }));
  });
}

describe("a vitest file that judges a backend", () => {
  it.concurrent("is green where nothing is wrong", async ({ expect }) => {
    const { code, printed } = await judge("");
    expect(printed).toMatch(/Tests +\d+ passed/);
    expect(code).toBe(0);
  });

  it.concurrent.for([
    ["hangs-in-kernel", /unruly: kernels\/normalize\/\S+: did not finish within 4.5 s and blocked its thread/],
    ["hangs-at-start", /unruly: its start: did not finish within 4.5 s and blocked its thread/],
    ["never-created", /Hook timed out in 3000ms/],
    ["exits-in-kernel", /kernels\/normalize\/\S+ .*process.exit unexpectedly called with "0"/],
    ["kills-itself", /exited unexpectedly with signal SIGKILL/],
    ["throws-in-kernel", /kernels\/normalize\/\S+ .*: no scratch/],
    ["rejects-later", /Error: lost in a promise/],
    ["rejects-at-start", /TypeError: adapter is undefined/],
  ] as const)("%s: is red, with the reason, and comes to an end", async ([deed, why], { expect }) => {
    const { code, printed } = await judge(deed);
    expect(printed).toMatch(why);
    expect(code).toBe(1);
  });
});
