// Descriptions of options that several commands have.

export const JSON_FILE = "write the report as JSON; with -, to standard output, and the table to standard error";
export const FORCE = "replace files that already exist";

export const NET = "the network of a .caffemodel, as .prototxt (default: the one stored with the weights)";
export const DIALECT = "the fork of Caffe that wrote the blobs, if the file does not show it: see docs/caffe-files.md";

const PER_COMMAND: Readonly<Record<string, readonly [zero: string, one: string]>> = {
  backends: ["the backends are listed", ""],
  conformance: ["every case that ran passed", "a case failed or was not run"],
  diff: ["no new failure", "a new failure"],
  merge: ["the joined run has no failure", "it has a failure"],
  verify: ["every comparison is within its bound", "one is not, or no node could be compared"],
  convert: ["OUT is written", "the proof failed, and OUT is not written"],
  inspect: ["every layer was read", "a layer is damaged"],
  export: ["the model is written", ""],
  fold: ["OUT is written", "the proof failed, or no layer was folded"],
  calibrate: ["the work is done", "no node was recalibrated"],
  "check-fold": ["every layer is right", "a layer is wrong or missing, or there was nothing to check"],
};

/** The last line of a command's help. */
export function exitCodes(command: string): string {
  const [zero = "", one = ""] = PER_COMMAND[command] ?? [];
  return `\nExit codes: 0 ${zero}${one && `; 1 ${one}`}; 2 bad usage or input, or nothing could be tested; 130 Ctrl-C.`;
}
