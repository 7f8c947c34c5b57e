import { DIALECT_NAMES, type Dialect, type ImportedNet, importNet } from "@bn/caffe";
import { openNet, openWeights } from "@bn/caffe/node";
import { BnError } from "@bn/core";

/** The options of commands that read Caffe's files. */
export interface CaffeOptions {
  /** The .prototxt. Default: the network that is stored with the weights. */
  readonly net?: string;
  readonly dialect?: string;
  readonly phase?: string;
}

/**
 * Whether `path` is a file of Caffe, by its name or because a net is given for it. Errors: `ERR_BN_PARAM` for a net
 * alone.
 */
export function isCaffe(path: string, { net }: CaffeOptions): boolean {
  if (path.endsWith(".prototxt")) {
    const cure = "a .prototxt is a network without weights; name the .caffemodel, and pass this file as --net";
    throw new BnError("ERR_BN_PARAM", `${path}: ${cure}`);
  }
  return net !== undefined || path.endsWith(".caffemodel");
}

/** Reads the normalization layers of a .caffemodel. Errors: `ERR_BN_PARAM` for unknown names; those of `importNet`. */
export async function openCaffe(path: string, { net, dialect, phase = "test" }: CaffeOptions): Promise<ImportedNet> {
  const given = dialectOf(dialect);
  if (phase !== "test" && phase !== "train") throw unknown("--phase", phase, ["test", "train"]);
  const read = { weights: await openWeights(path), net: net === undefined ? undefined : await openNet(net) };
  return importNet({ ...read, phase, dialect: given });
}

/** Errors: `ERR_BN_PARAM` for an unknown name. */
export function dialectOf(dialect: string | undefined): Dialect | undefined {
  const given = DIALECT_NAMES.find((name) => name === dialect);
  if (dialect !== undefined && !given) throw unknown("--dialect", dialect, DIALECT_NAMES);
  return given;
}

function unknown(option: string, came: string, known: readonly string[]): BnError {
  return new BnError("ERR_BN_PARAM", `${option} ${came}: expected ${known.join(", ")}`);
}
