import { CommanderError } from "commander";
import { ignoreClosedPipes } from "./output.ts";
import { createProgram } from "./program.ts";

const FAILED = 1;
const BAD_INPUT = 2;
/** 128 + SIGINT, as shells have it. */
const INTERRUPTED = 130;

/** Runs `bn` with these arguments. Resolves with the exit code: 0, 1 something failed, 2 bad usage or input. */
export async function main(args: readonly string[]): Promise<number> {
  ignoreClosedPipes();
  const abort = new AbortController();
  // Once: a second Ctrl-C ends the process at once.
  process.once("SIGINT", () => abort.abort());
  let passed = true;
  const program = createProgram(abort.signal, (ok) => {
    passed = ok;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return passed ? 0 : FAILED;
  } catch (error) {
    if (abort.signal.aborted) {
      process.stderr.write("bn: interrupted\n");
      return INTERRUPTED;
    }
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : BAD_INPUT;
    if (!isBnError(error)) throw error;
    process.stderr.write(`bn: ${error.message}\n`);
    return BAD_INPUT;
  }
}

/** By code, not by class: a backend's module may bring its own copy of core. */
function isBnError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_BN_");
}
