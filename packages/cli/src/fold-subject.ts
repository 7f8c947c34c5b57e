import { type CaffeFile, convertNet, foldNet, writeNet, writeWeights } from "@bn/caffe";
import { type FoldRow, foldModel } from "@bn/onnx";
import { openModel } from "@bn/onnx/node";
import { inputNames, type ProveOptions } from "@bn/onnx/verify";
import { dialectOf, isCaffe, openFiles } from "./caffe.ts";
import { feedsOf, shapesOf } from "./caffe-network.ts";
import { bad } from "./errors.ts";
import { feedsFor, type GivenInputs } from "./inputs-option.ts";
import { refuse } from "./option-values.ts";

export interface FoldSubjectOptions {
  readonly net?: string;
  readonly netOut?: string;
  readonly dialect?: string;
  readonly duplicate?: boolean;
  readonly shape?: readonly string[];
}

/** Why layers are not folded, by the name that rows give them. */
type Leave = ReadonlyMap<string, string>;

/** A folded network: its rows, its files, and both networks as ONNX for the proof. */
export interface FoldResult {
  readonly rows: readonly FoldRow[];
  readonly model: Uint8Array;
  /** The text of the network; undefined for ONNX, and if it is stored with the weights. */
  readonly net?: string | undefined;
  pair(): Pair;
}

interface Pair {
  readonly original: Uint8Array;
  readonly folded: Uint8Array;
  readonly with: ProveOptions;
}

/** Folds a network again, except for some layers. */
export type FoldSubject = (leave: Leave) => Promise<FoldResult>;

/**
 * Errors: `ERR_BN_PARAM` for options that do not fit the kind of network; `ERR_BN_DATA` for files that cannot be read.
 */
export async function openFoldSubject(
  path: string,
  options: FoldSubjectOptions,
  limit: number,
  given: GivenInputs,
): Promise<FoldSubject> {
  return (isCaffe(path, options.net) ? openCaffeSubject : openOnnxSubject)(path, options, limit, given);
}

async function openOnnxSubject(
  path: string,
  { netOut, dialect, duplicate = false, shape = [] }: FoldSubjectOptions,
  maxLostDigits: number,
  given: GivenInputs,
): Promise<FoldSubject> {
  refuse({ "--net-out": netOut, "--dialect": dialect }, "cannot be used with an ONNX model");
  const { bytes, external } = await openModel(path);
  return async (leave) => {
    const fold = { maxLostDigits, duplicate, leave };
    const folded = await foldModel(bytes, { external, ...fold });
    const feeds = () => feedsFor(given, () => inputNames(bytes));
    return {
      rows: folded.rows,
      model: folded.bytes,
      pair: () => ({
        original: bytes,
        folded: folded.bytes,
        with: { external, feeds: feeds(), shapes: shapesOf(shape), fold },
      }),
    };
  };
}

async function openCaffeSubject(
  path: string,
  { net, netOut, dialect, duplicate, shape = [] }: FoldSubjectOptions,
  maxLostDigits: number,
  given: GivenInputs,
): Promise<FoldSubject> {
  refuse({ "--duplicate": duplicate }, "cannot be used with a Caffe network");
  if ((net === undefined) !== (netOut === undefined)) {
    const came = net === undefined ? "--net-out without --net" : "--net without --net-out";
    throw bad(`${came}: the folded network has fewer layers than the original; give both --net and --net-out`);
  }
  const files = await openFiles(path, net);
  const common = { dialect: dialectOf(dialect) };
  const shapes = shapesOf(shape);
  return async (leave) => {
    const folded = foldNet({ ...files, ...common, maxLostDigits, leave });
    const weights = folded.weights as CaffeFile;
    return {
      rows: folded.rows,
      model: writeWeights(weights),
      net: folded.net === null ? undefined : writeNet(folded.net),
      pair() {
        const one = convertNet({ net: files.net ?? files.weights, weights: files.weights, shapes, ...common });
        const two = convertNet({ net: folded.net ?? weights, weights, shapes, ...common });
        return { original: one.bytes, folded: two.bytes, with: { feeds: feedsOf(given, one) } };
      },
    };
  };
}
