// Usage: pnpm release:rehearse. Checks that the packages work as a user installs them. `--broken` also checks that the
// rehearsal fails for wrong packages.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { FAULTS } from "./faults.ts";
import { endAll } from "./processes.ts";
import { prepare, rehearse, showFault } from "./rehearse.ts";
import { reportText } from "./report.ts";

const { broken, keep } = parseArgs({ options: { broken: { type: "boolean" }, keep: { type: "boolean" } } }).values;
const LIMIT = (broken ? 60 : 30) * 60_000;
const folder = mkdtempSync(join(tmpdir(), "bn-rehearsal-"));
const write = (text: string) => process.stdout.write(`${text}\n`);

function stop(reason: string): never {
  process.stderr.write(`${reason}\n`);
  endAll();
  tidyUp();
  process.exit(1);
}

function tidyUp(): void {
  if (keep) write(`kept: ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop(`ended by ${signal}`));
setTimeout(() => stop(`the rehearsal took longer than ${LIMIT / 60_000} minutes`), LIMIT).unref();

/** Prints how long each step took. */
async function step<T>(name: string, body: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  const done = (verdict: string) =>
    write(`${verdict} ${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${name}`);
  try {
    const result = await body();
    done("ok    ");
    return result;
  } catch (error) {
    done("FAILED");
    throw error;
  }
}

try {
  const prepared = await prepare(folder, step);
  write(reportText(await rehearse(prepared, "right", step)));
  if (broken) for (const fault of FAULTS) await showFault(prepared, fault, step, write);
} catch (error) {
  stop(error instanceof Error ? error.message : String(error));
}
tidyUp();
