import { foldAttemptsOfNet, foldTasksOfNet } from "@bn/caffe";
import { type FoldAttempts, type FoldTasks, foldAttempts, foldTasks } from "@bn/onnx";
import { openModel } from "@bn/onnx/node";
import { dialectOf, isCaffe, openFiles } from "./caffe.ts";

/** The folds that are expected in an ONNX model, or in a .caffemodel. */
export async function tasksIn(path: string, net: string | undefined, dialect: string | undefined): Promise<FoldTasks> {
  if (isCaffe(path, net)) return foldTasksOfNet({ ...(await openFiles(path, net)), dialect: dialectOf(dialect) });
  const { bytes, external } = await openModel(path);
  return foldTasks(bytes, external);
}

/** The layers with weights of an ONNX model, or of a .caffemodel. */
export async function attemptsIn(path: string, net: string | undefined): Promise<FoldAttempts> {
  if (isCaffe(path, net)) return foldAttemptsOfNet(await openFiles(path, net));
  const { bytes, external } = await openModel(path);
  return foldAttempts(bytes, external);
}
