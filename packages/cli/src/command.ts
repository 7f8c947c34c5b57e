/** A command of `bn`. */
interface CommandRow {
  readonly description: string;
  /** Descriptions of its arguments and options, by their names and flags. */
  readonly arguments?: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  /** Text for the end of its help. */
  readonly help?: string;
  /** The meaning of exit codes 0 and 1; "" if there is no such code. */
  readonly exitCodes: readonly [zero: string, one: string];
  /** Loads the command and runs it. Resolves to false if the verdict is negative. */
  run(args: readonly string[], options: object, signal: AbortSignal): Promise<unknown>;
}

export type Commands = Readonly<Record<string, CommandRow>>;

// Options that several commands have.
export const BACKEND = {
  "--backend <list>": "backends: names or paths of modules, separated by commas (default: all that are available)",
};
export const DIALECT = {
  "--dialect <name>": "the fork of Caffe that wrote the blobs, if the file does not show it: see docs/caffe-files.md",
};
export const FORCE = { "--force": "replace files that already exist" };
export const HTML = { "--html <file>": "write the report as one HTML page" };
export const INPUT = {
  "--input <file>": "input values: FILE.npy, or name=FILE.npy; repeat per input (default: generated)",
};
export const JSON_FILE = {
  "--json <file>": "write the report as JSON; with -, to standard output, and the table to standard error",
};
export const MEMORY = {
  "--max-memory <mib>": "memory limit of ONNX Runtime's process (default: three quarters of the memory)",
};
export const NET = {
  "--net <prototxt>": "the network of a .caffemodel, as .prototxt (default: the one stored with the weights)",
};
export const SHAPE = {
  "--shape <name=sizes>": "shape of an input, e.g. x=1,3,224,224; repeat per input (default: chosen)",
};
export const STAGE = { "--stage <name>": "a stage of NetState; repeat per stage" };
export const TIMEOUT = { "--timeout <seconds>": "time limit for ONNX Runtime to load or run a part (default: 120)" };

/** Options that may be given several times. */
export const REPEATED: ReadonlySet<string> = new Set([INPUT, SHAPE, STAGE].flatMap((one) => Object.keys(one)));
