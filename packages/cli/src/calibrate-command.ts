import { basename } from "node:path";
import { netCalibration } from "@bn/caffe/calibrate";
import type { Communicator } from "@bn/core";
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
import { isCaffe } from "./caffe.ts";
import { openNetwork } from "./caffe-network.ts";
import { calibrateHtml } from "./calibrate-html.ts";
import { type CalibrateCommandOptions, type Work, workOf } from "./calibrate-options.ts";
import { calibrateJson, calibrateText, countCalibrated } from "./calibrate-report.ts";
import { openState, withState } from "./calibrate-state.ts";
import { bad, readBytes } from "./errors.ts";
import { type Outputs, openOutputs } from "./files.ts";
import { matcher } from "./filter.ts";
import { limitsOf, oneOf, refuse, wholeOf } from "./option-values.ts";
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
  const { json, html, force } = options;
  const ranks = await openRanks(options.mpi ?? false);
  // If ranks are on several machines, only the first needs the folder.
  const writes = ranks === null || ranks.rank === 0;
  const paths = { [OUT[work.kind]]: work.out, "--json": json, "--html": html };
  const outputs = await openOutputs(writes ? paths : {}, force, [path, options.net, ...files(work)]);
  const write: Write = (result) => writeResult(path, outputs, result, writes);
  const ok =
    work.kind === "merge"
      ? await write(await mergeParts(path, work.parts, options))
      : await gather(path, work, options, { signal, ranks, write, outputs });
  await ranks?.dispose();
  return ok;
}

/** The name of the output file in messages. */
const OUT = { run: "the model", merge: "the model", part: "--partial" } as const;

/** The data or parts that it reads. A folder or a glob is not a file that an output could be. */
const files = (work: Work): readonly string[] => (work.kind === "merge" ? work.parts : work.data);

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
  readonly outputs: Outputs;
}

/** Runs the data through the network, for a model or for a part. */
async function gather(
  path: string,
  work: Exclude<Work, { kind: "merge" }>,
  options: CalibrateCommandOptions,
  { signal, ranks, write, outputs }: Surroundings,
): Promise<boolean> {
  const limits = limitsOf(options);
  const how = {
    batch: wholeOf("--batch", options.batch),
    mode: oneOf("--mode", options.mode ?? "batch", ["batch", "exact"]),
  };
  const calibration = await openChosen(path, options);
  if (calibration.nodes.length === 0) return write({ bytes: new Uint8Array(0), rows: calibration.left });
  const data = await openSamples(work.data, calibration.ports, options.input);
  await using runtime = createRuntime({ ...limits, signal });
  const { json, html, net } = options;
  const others = { OUT: work.out, "--json": json, "--html": html };
  const state = await openState(others, options, ranks, [path, net, ...files(work)]);
  try {
    return await withState(state, async ({ from, onBatch }) => {
      const gathering: GatherOptions = { ...how, runtime, signal, from, onBatch, communicator: ranks ?? undefined };
      if (work.kind === "run") return write(await calibration.run(data, gathering));
      const part = await calibration.part(data, work.shard, gathering);
      await outputs.write({ [OUT.part]: () => encodePart(part) });
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
  const { net, dialect, shape, stage } = options;
  if (isCaffe(path, net)) return netCalibration({ ...(await openNetwork(net, path, options)), nodes });
  refuse({ "--dialect": dialect, "--shape": shape, "--stage": stage }, "is for Caffe networks, and --net is not given");
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
  throw bad(`--nodes ${glob}: matches none of ${some.join(", ")}${more}`);
}

async function openSamples(
  paths: readonly string[],
  ports: readonly DataPort[],
  input: string | undefined,
): Promise<CalibrationData> {
  const [port] = ports;
  const names = ports.map(({ name }) => `"${name}"`).join(", ") || "none";
  if (input !== undefined && !ports.some(({ name }) => name === input)) {
    throw bad(`--input ${input}: there is no such input; the nodes depend on ${names}`);
  }
  if (input !== undefined && ports.length > 1) {
    throw bad(
      `--input ${input}: the nodes depend on ${ports.length} inputs, ${names}; save an array of each with numpy.savez, under these names`,
    );
  }
  if (!paths.includes("-")) return openData(paths, ports);
  if (port !== undefined && ports.length === 1) return streamData(process.stdin, port);
  throw bad(`--data -: the nodes depend on ${names}, but a stream holds one input only; pass .npz files`);
}

async function readPart(path: string): Promise<NamedPart> {
  return { name: path, part: decodePart(String(await readBytes(path)), path) };
}

/** Writes the model and its reports, if any statistics are new. */
async function writeResult(
  path: string,
  outputs: Outputs,
  { bytes, rows }: Calibrated,
  writes: boolean,
): Promise<boolean> {
  const done = countCalibrated(rows).recalibrated > 0;
  if (!writes) return done;
  const reports = { "--json": () => calibrateJson(rows), "--html": () => calibrateHtml(basename(path), rows) };
  await outputs.write(done ? { [OUT.run]: () => bytes, ...reports } : reports);
  outputs.text.write(calibrateText(rows));
  return done;
}
