import { CommanderError } from "commander";
import { dataError } from "./errors.ts";
import { watchStreams } from "./output.ts";
import { createProgram } from "./program.ts";

const FAILED = 1;
const BAD_INPUT = 2;
/** 128 + the signal's number, as in shells. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Runs `bn` with these arguments. Resolves with the exit code: 0 for success, 1 if something failed, 2 for bad usage or
 * input.
 */
export async function main(args: readonly string[]): Promise<number> {
  let broken = "";
  watchStreams((message) => {
    broken = message;
  });
  const abort = new AbortController();
  let interrupted: number | null = null;
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      // A second signal ends the process at once; its child processes are ended when it exits.
      if (interrupted !== null) process.exit(code);
      interrupted = code;
      abort.abort();
    });
  }
  let passed = true;
  const program = createProgram(abort.signal, (ok) => {
    passed = ok;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    await drained();
    if (broken !== "") throw dataError(broken);
    return passed ? 0 : FAILED;
  } catch (error) {
    if (interrupted !== null) {
      process.stderr.write("bn: interrupted\n");
      return interrupted;
    }
    if (error instanceof CommanderError) {
      await drained(); // the text of --help or --version
      if (broken !== "") process.stderr.write(`bn: ${broken}\n`);
      return error.exitCode === 0 && broken === "" ? 0 : BAD_INPUT;
    }
    if (!isBnError(error)) throw error;
    process.stderr.write(`bn: ${error.message}\n`);
    return BAD_INPUT;
  }
}

/** Waits until all output is written, or has failed. */
export async function drained(): Promise<void> {
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write("", done))));
}

/** Checks the code and not the class, because a backend's module may have its own copy of core. */
function isBnError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_BN_");
}
