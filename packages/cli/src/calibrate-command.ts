import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { netCalibration } from "@bn/caffe/calibrate";
import { openNet, openWeights } from "@bn/caffe/node";
import { BnError, type Communicator } from "@bn/core";
import {
  type Calibrated,
  type Calibration,
  type CalibrationData,
  calibrationOf,
  type DataPort,
  decodePart,
  encodePart,
  type GatherOptions,
  type NamedPart,
  openData,
  streamData,
} from "@bn/onnx/calibrate";
import { openModel } from "@bn/onnx/node";
import { createRuntime } from "@bn/onnx/verify";
import { dialectOf, isCaffe } from "./caffe.ts";
import { shapesOf } from "./caffe-network.ts";
import { calibrateHtml } from "./calibrate-html.ts";
import {
  type CalibrateCommandOptions,
  checkOutputs,
  limitsOf,
  modeOf,
  type Work,
  wholeOf,
  workOf,
} from "./calibrate-options.ts";
import { calibrateJson, calibrateText, countCalibrated } from "./calibrate-report.ts";
import { openState, withState } from "./calibrate-state.ts";
import { matcher } from "./filter.ts";
import { writeReport } from "./output.ts";
import { openRanks } from "./ranks.ts";

/**
 * `bn calibrate` writes a model with the statistics of the user's data. Resolves to true if at least one node has new
 * ones, or if a part was written.
 */
export async function calibrateCommand(
  path: string,
  out: string | undefined,
  options: CalibrateCommandOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const work = workOf(out, options);
  if (resolve(path) === resolve(work.out)) {
    throw new BnError("ERR_BN_PARAM", `${work.out}: this is the model to read; choose another output file`);
  }
  const ranks = await openRanks(options.mpi ?? false);
  // If ranks are on several machines, only the first needs the folder.
  const writes = ranks === null || ranks.rank === 0;
  if (writes) await checkOutputs(work, options);
  const write: Write = (result) => writeResult(path, work.out, result, options, writes);
  const ok =
    work.kind === "merge"
      ? await write(await mergeParts(path, work.parts, options))
      : await gather(path, work, options, { signal, ranks, write });
  await ranks?.dispose();
  return ok;
}

type Write = (result: Calibrated) => Promise<boolean>;

async function mergeParts(
  path: string,
  files: readonly string[],
  options: CalibrateCommandOptions,
): Promise<Calibrated> {
  const parts = await Promise.all(files.map(readPart));
  const chosen = new Set(parts[0]?.part.run.nodes);
  const calibration = await openCalibration(path, options, (name) => chosen.has(name));
  return calibration.merge(parts);
}

interface Surroundings {
  readonly signal: AbortSignal;
  readonly ranks: Communicator | null;
  readonly write: Write;
}

/** Runs the data through the network, for a model or for a part. */
async function gather(
  path: string,
  work: Exclude<Work, { kind: "merge" }>,
  options: CalibrateCommandOptions,
  { signal, ranks, write }: Surroundings,
): Promise<boolean> {
  const limits = limitsOf(options);
  const how = { batch: wholeOf("--batch", options.batch), mode: modeOf(options.mode) };
  const calibration = await openChosen(path, options);
  if (calibration.nodes.length === 0) return write({ bytes: new Uint8Array(0), rows: calibration.left });
  const data = await openSamples(work.data, calibration.ports, options.input);
  await using runtime = createRuntime({ ...limits, signal });
  const state = await openState(work.out, options, ranks);
  try {
    return await withState(state, async ({ from, onBatch }) => {
      const gathering: GatherOptions = { ...how, runtime, signal, from, onBatch, communicator: ranks ?? undefined };
      if (work.kind === "run") return write(await calibration.run(data, gathering));
      await writeReport(work.out, encodePart(await calibration.part(data, work.shard, gathering)));
      return true;
    });
  } finally {
    await data.close();
  }
}

/** Opens the calibration of an ONNX model, or of a Caffe network. */
async function openCalibration(
  path: string,
  options: CalibrateCommandOptions,
  nodes: (name: string) => boolean,
): Promise<Calibration> {
  const { net, dialect, shape = [], stage } = options;
  if (isCaffe(path, net === undefined ? {} : { net })) {
    if (net === undefined) {
      throw new BnError(
        "ERR_BN_PARAM",
        `${path}: this file holds Caffe weights only; pass their network with --net DEPLOY.prototxt`,
      );
    }
    const files = { net: await openNet(net), weights: await openWeights(path) };
    const stages = stage === undefined ? {} : { stages: stage };
    return netCalibration({ ...files, ...stages, dialect: dialectOf(dialect), shapes: shapesOf(shape), nodes });
  }
  const other = (["dialect", "shape", "stage"] as const).find((name) => options[name] !== undefined);
  if (other) throw new BnError("ERR_BN_PARAM", `--${other} is for Caffe networks; leave it out, or pass --net`);
  const { bytes, external } = await openModel(path);
  return calibrationOf(bytes, { external, nodes });
}

/** Selects the nodes of `--nodes`. Errors: `ERR_BN_PARAM` if it selects none although there are some. */
async function openChosen(path: string, options: CalibrateCommandOptions): Promise<Calibration> {
  const { nodes: glob } = options;
  const calibration = await openCalibration(path, options, glob === undefined ? () => true : matcher(glob));
  if (glob === undefined || calibration.nodes.length > 0) return calibration;
  const { nodes } = await openCalibration(path, options, () => true);
  if (nodes.length === 0) return calibration;
  const some = nodes.slice(0, 5).map((name) => `"${name}"`);
  const more = nodes.length > some.length ? ` and ${nodes.length - some.length} more` : "";
  throw new BnError("ERR_BN_PARAM", `--nodes ${glob}: matches none of ${some.join(", ")}${more}`);
}

async function openSamples(
  paths: readonly string[],
  ports: readonly DataPort[],
  input: string | undefined,
): Promise<CalibrationData> {
  const [port] = ports;
  const names = ports.map(({ name }) => `"${name}"`).join(", ") || "none";
  if (input !== undefined && !ports.some(({ name }) => name === input)) {
    throw new BnError("ERR_BN_PARAM", `--input ${input}: there is no such input; the nodes depend on ${names}`);
  }
  if (input !== undefined && ports.length > 1) {
    throw new BnError(
      "ERR_BN_PARAM",
      `--input ${input}: the nodes depend on ${ports.length} inputs, ${names}; save an array of each with numpy.savez, under these names`,
    );
  }
  if (!paths.includes("-")) return openData(paths, ports);
  if (port !== undefined && ports.length === 1) return streamData(process.stdin, port);
  throw new BnError(
    "ERR_BN_PARAM",
    `--data -: the nodes depend on ${names}, but a stream holds one input only; pass .npz files`,
  );
}

async function readPart(path: string): Promise<NamedPart> {
  const text = await readFile(path, "utf8").catch((cause: Error) => {
    throw new BnError("ERR_BN_DATA", `${path}: cannot be read: ${cause.message}`, { cause });
  });
  return { name: path, part: decodePart(text, path) };
}

/** Writes the model and its reports, if any statistics are new. */
async function writeResult(
  path: string,
  out: string,
  { bytes, rows }: Calibrated,
  { json, html }: CalibrateCommandOptions,
  writes: boolean,
): Promise<boolean> {
  const { recalibrated } = countCalibrated(rows);
  if (!writes) return recalibrated > 0;
  if (recalibrated > 0) await writeReport(out, bytes);
  if (json !== undefined) await writeReport(json, calibrateJson(rows));
  if (html !== undefined) await writeReport(html, calibrateHtml(basename(path), rows));
  const toStandardOutput = [out, json, html].includes("-");
  (toStandardOutput ? process.stderr : process.stdout).write(calibrateText(rows));
  return recalibrated > 0;
}
