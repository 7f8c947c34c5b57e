import { DIALECT_NAMES, type Dialect, type ImportedNet, importNet } from "@bn/caffe";
import { openNet, openWeights } from "@bn/caffe/node";
import { bad } from "./errors.ts";
import { oneOf } from "./option-values.ts";

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
export function isCaffe(path: string, net: string | undefined): boolean {
  if (path.endsWith(".prototxt")) {
    throw bad(`${path}: a .prototxt is a network without weights; name the .caffemodel, and pass this file as --net`);
  }
  return net !== undefined || path.endsWith(".caffemodel");
}

/** Reads a .caffemodel, and the .prototxt of its network if there is one. */
export async function openFiles(weights: string, net: string | undefined) {
  return { weights: await openWeights(weights), net: net === undefined ? undefined : await openNet(net) };
}

/** Reads the normalization layers of a .caffemodel. Errors: `ERR_BN_PARAM` for unknown names; those of `importNet`. */
export async function openCaffe(path: string, { net, dialect, phase = "test" }: CaffeOptions): Promise<ImportedNet> {
  const read = { dialect: dialectOf(dialect), phase: oneOf("--phase", phase, ["test", "train"]) };
  return importNet({ ...(await openFiles(path, net)), ...read });
}

/** Errors: `ERR_BN_PARAM` for an unknown name. */
export function dialectOf(dialect: string | undefined): Dialect | undefined {
  return dialect === undefined ? undefined : oneOf("--dialect", dialect, DIALECT_NAMES);
}
