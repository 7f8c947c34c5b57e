import { readFileSync } from "node:fs";
import { Command } from "commander";
import type { ConformanceOptions } from "./conformance-command.ts";
import type { VerifyOptions } from "./verify-command.ts";

const BACKENDS = "names and paths of modules, separated by commas (default: all that are available here)";

const EXAMPLES = `
Examples:
  bn backends                                        what runs here, and why the rest does not
  bn conformance                                     every case on every backend
  bn conformance --backend cpu,./my-backend.js       yours beside ours
  bn conformance --filter 'goldens/*/f32'            some cases, by part of the id or by glob
  bn conformance --json - | jq .summary              for machines; the table goes to standard error
  bn verify model.onnx                               your model's BatchNormalization nodes

Exit codes: 0 all is well, 1 something failed, 2 bad usage or input.`;

const CONFORMANCE_HELP = `
A module gives its backend by a default export (or \`createBackend\`): a function that returns one, or a promise of one.
FILE may be -, standard output; the table then goes to standard error.

Examples:
  bn conformance --backend ./dist/my-backend.js --html report.html
  bn conformance --goldens ./my-goldens --json report.json`;

const VERIFY_HELP = `
Each BatchNormalization node runs on every backend with the model's own weights, on the activations that ONNX Runtime
computes for it, and is compared with float64 and with ONNX Runtime.

Example:
  bn verify model.onnx --backend cpu --json nodes.json`;

/** The commands, each loaded when it is called. `done(ok)` is told the verdict; bad usage rejects with a CommanderError, already printed. */
export function createProgram(signal: AbortSignal, done: (ok: boolean) => void): Command {
  const program = new Command("bn")
    .description("Batch normalization over interchangeable backends: which run here, and whether they are right.")
    .version(version(), "-V, --version", "print the version")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("(bn --help tells more)")
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "bn: ")) })
    .exitOverride();
  program
    .command("backends")
    .description("list the backends: available or why not, and what each supports")
    .option("--json", "as JSON")
    .action(async ({ json = false }: { json?: boolean }) => {
      const { backendsCommand } = await import("./backends-command.ts");
      await backendsCommand(json);
    });
  program
    .command("conformance")
    .description("run the conformance suite")
    .option("--backend <list>", BACKENDS)
    .option("--goldens <dir>", "run the golden cases of this folder, and nothing else")
    .option("--filter <id>", "only the cases whose id holds this or, with * or ?, matches it")
    .option("--json <file>", "write the report as JSON")
    .option("--html <file>", "write the report as one HTML page")
    .addHelpText("after", CONFORMANCE_HELP)
    .action(async (options: ConformanceOptions) => {
      const { conformanceCommand } = await import("./conformance-command.ts");
      done(await conformanceCommand(options, signal));
    });
  program
    .command("verify")
    .description("run every BatchNormalization node of an ONNX model on every backend, and compare")
    .argument("<model.onnx>", "the model")
    .option("--backend <list>", BACKENDS)
    .option("--json <file>", "write the report as JSON")
    .addHelpText("after", VERIFY_HELP)
    .action(async (path: string, options: VerifyOptions) => {
      const { verifyCommand } = await import("./verify-command.ts");
      done(await verifyCommand(path, options, signal));
    });
  return program;
}

function version(): string {
  return JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;
}
