import { readFileSync } from "node:fs";
import { Command } from "commander";
import { REPEATED } from "./command.ts";
import { NETWORK_COMMANDS } from "./network-commands.ts";
import { SUITE_COMMANDS } from "./suite-commands.ts";

const EXAMPLES = `
Examples:
  bn backends                                        which backends run here, and why others do not
  bn conformance                                     every case on every backend
  bn conformance --backend cpu,./my-backend.js       your backend next to ours
  bn conformance --filter 'goldens/*/f32'            some cases, by part of the id or by glob
  bn conformance --json - | jq .summary              JSON; the table goes to standard error
  bn diff main.json branch.json                      new failures
  bn verify model.onnx                               your model's BatchNormalization nodes
  bn inspect model.onnx                              what they hold, and what looks wrong
  bn inspect weights.caffemodel --net net.prototxt   the same for a Caffe network
  bn export bn1.onnx --blobs m.npy,v.npy,f.npy       a layer as an ONNX model
  bn convert w.caffemodel net.onnx --net d.prototxt  a Caffe network as an ONNX model, with proof
  bn fold model.onnx folded.onnx                     normalizations folded into the layers next to them
  bn calibrate m.onnx new.onnx --data images         statistics recomputed on your own data
  bn check-fold model.onnx theirs.onnx               whether another tool's fold is right, and what is wrong

Exit codes: 0 success; 1 something failed; 2 bad usage or input, or nothing could be tested; 130 Ctrl-C.
The help of each command says what they mean there.`;

/**
 * The commands. Each is loaded when it is called. `done(ok)` gets the verdict. Bad usage rejects with a CommanderError
 * that is already printed.
 */
export function createProgram(signal: AbortSignal, done: (ok: boolean) => void): Command {
  const program = new Command("bn")
    .description(
      "Finds wrong BatchNormalization layers in ONNX and Caffe models, moves and folds them, and tests the backends that run here.",
    )
    .version(version(), "-V, --version", "print the version")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("(see bn --help)")
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "bn: ")) })
    .exitOverride();
  for (const [name, row] of Object.entries({ ...SUITE_COMMANDS, ...NETWORK_COMMANDS })) {
    const command = program.command(name).description(row.description);
    for (const argument of Object.entries(row.arguments ?? {})) command.argument(...argument);
    for (const [flags, text] of Object.entries(row.options)) {
      if (REPEATED.has(flags)) command.option(flags, text, collect);
      else command.option(flags, text);
    }
    const [zero, one] = row.exitCodes;
    const codes = `\nExit codes: 0 ${zero}${one && `; 1 ${one}`}; 2 bad usage or input, or nothing could be tested; 130 Ctrl-C.`;
    for (const text of [row.help, codes]) if (text !== undefined) command.addHelpText("after", text);
    command.action(async () => done((await row.run(command.args, command.opts(), signal)) !== false));
  }
  return program;
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function version(): string {
  return JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;
}
