import {
  type CaffeFile,
  DIALECT_NAMES,
  type Dialect,
  foldAttemptsOfNet,
  foldNet,
  foldTasksOfNet,
  writeNet,
  writeWeights,
} from "@bn/caffe";
import { openNet, openWeights } from "@bn/caffe/node";
import { BnError } from "@bn/core";
import { type FoldAttempts, type FoldRow, type FoldTasks, foldAttempts, foldTasks } from "@bn/onnx";
import { openModel } from "@bn/onnx/node";
import { isCaffe } from "./caffe.ts";
import { checkWritable, writeReport } from "./output.ts";

export interface FoldCaffeOptions {
  readonly net?: string;
  readonly netOut?: string;
  readonly dialect?: string;
}

/** The files of a folded Caffe network, written to `out` and `--net-out`. */
export async function foldCaffe(
  path: string,
  out: string,
  options: FoldCaffeOptions,
  maxLostDigits: number,
): Promise<readonly FoldRow[]> {
  const { net, netOut } = options;
  if ((net === undefined) !== (netOut === undefined)) {
    const came = net === undefined ? "--net-out without --net" : "--net without --net-out";
    throw new BnError("ERR_BN_PARAM", `${came}: the folded network has fewer layers than the net; give both`);
  }
  if (netOut !== undefined) await checkWritable("--net-out", netOut);
  const files = await openFiles(path, net);
  const folded = foldNet({ ...files, maxLostDigits, dialect: dialectOf(options.dialect) });
  // Both are made before either is written.
  const weights = writeWeights(folded.weights as CaffeFile);
  const text = folded.net === null ? null : writeNet(folded.net);
  await writeReport(out, weights);
  if (netOut !== undefined && text !== null) await writeReport(netOut, text);
  return folded.rows;
}

/** What is to be folded in an ONNX model, or in a .caffemodel. */
export async function tasksIn(path: string, net: string | undefined, dialect: string | undefined): Promise<FoldTasks> {
  if (isCaffe(path, net === undefined ? {} : { net })) {
    return foldTasksOfNet({ ...(await openFiles(path, net)), dialect: dialectOf(dialect) });
  }
  const { bytes, external } = await openModel(path);
  return foldTasks(bytes, external);
}

/** The layers with weights of an ONNX model, or of a .caffemodel. */
export async function attemptsIn(path: string, net: string | undefined): Promise<FoldAttempts> {
  if (isCaffe(path, net === undefined ? {} : { net })) return foldAttemptsOfNet(await openFiles(path, net));
  const { bytes, external } = await openModel(path);
  return foldAttempts(bytes, external);
}

async function openFiles(path: string, net: string | undefined) {
  return { weights: await openWeights(path), net: net === undefined ? undefined : await openNet(net) };
}

function dialectOf(text: string | undefined): Dialect | undefined {
  const found = DIALECT_NAMES.find((name) => name === text);
  if (text === undefined || found !== undefined) return found;
  throw new BnError("ERR_BN_PARAM", `--dialect ${text}: expected ${DIALECT_NAMES.join(", ")}`);
}
