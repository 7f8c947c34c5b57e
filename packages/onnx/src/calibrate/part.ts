import { createStatistics, loadStatistics, type Statistics, type StatisticsState } from "@bn/core";
import { dataError } from "../graph/errors.ts";
import { sha256 } from "./subject.ts";

/** The source of the statistics by which each node normalizes a batch: see `calibrateModel`. */
export type CalibrationMode = "batch" | "exact";

/** The settings that must be equal in two runs, so that their parts can be merged. */
export interface RunRecord {
  /** The SHA-256 of the model's file. */
  readonly model: string;
  /** A checksum of the names, types, shapes and checksums of the data; "stream" for data that can be read only once. */
  readonly data: string;
  /** null if the number is known only at the end. */
  readonly samples: number | null;
  readonly batch: number;
  readonly mode: CalibrationMode;
  readonly nodes: readonly string[];
  readonly runtime: string;
  readonly threads: number;
  readonly cpu: string;
}

/** Statistics of a node that are final, because exact mode has passed its level. */
export interface SettledNode {
  readonly node: string;
  readonly count: number;
  readonly mean: Float64Array;
  /** The unbiased variance. */
  readonly variance: Float64Array;
}

/**
 * The statistics gathered so far: batches [first, first + batches) of one pass. It is the result of a shard, and the
 * state of an interrupted run.
 */
export interface CalibrationPart {
  readonly type: "calibration";
  readonly version: 1;
  readonly run: RunRecord;
  /** The level of nodes that this pass measures; always 0 in mode batch. */
  readonly level: number;
  readonly settled: readonly SettledNode[];
  readonly first: number;
  readonly batches: number;
  /** For a stream: the SHA-256 of the bytes read so far. */
  readonly seen: string;
  readonly statistics: readonly { readonly node: string; readonly state: StatisticsState }[];
}

/** A part without batches, which begins with batch `first`. */
export function emptyPart(run: RunRecord, first: number): CalibrationPart {
  return { type: "calibration", version: 1, run, level: 0, settled: [], first, batches: 0, seen: "", statistics: [] };
}

/** The name of each field in messages. */
const FIELDS: Readonly<Record<keyof RunRecord, string>> = {
  model: "the model (SHA-256)",
  data: "the data (digest)",
  samples: "the number of samples",
  batch: "the batch size",
  mode: "the mode",
  nodes: "the nodes",
  runtime: "ONNX Runtime",
  threads: "the number of threads",
  cpu: "the CPU",
};

/** The difference between two runs in words, or null. */
export function differenceOf(came: RunRecord, expected: RunRecord): string | null {
  const keys = Object.keys(FIELDS) as (keyof RunRecord)[];
  const key = keys.find((one) => JSON.stringify(came[one]) !== JSON.stringify(expected[one]));
  if (key === undefined) return null;
  const text = (value: unknown) =>
    Array.isArray(value) ? `${value.length}, ${value.slice(0, 3).join(", ")}...` : value;
  return `${FIELDS[key]} is ${text(came[key])}, expected ${text(expected[key])}`;
}

/**
 * Encodes a part as the bytes of a file: JSON with its vectors in base64, and a checksum that reveals a truncated file.
 */
export function encodePart(part: CalibrationPart): string {
  const content = JSON.stringify(part, (_, value) => (value instanceof Float64Array ? packed(value) : value));
  return `{"sha256":"${sha256(content)}","part":${content}}\n`;
}

/** Errors: `ERR_BN_DATA`, naming the file, if it is not a part, has another version, or was truncated or changed. */
export function decodePart(text: string, where: string): CalibrationPart {
  const fail = (what: string, cause?: unknown) => dataError(`${where}: ${what}`, cause);
  const head = /^\{"sha256":"([0-9a-f]{64})","part":/.exec(text);
  if (!head) throw fail("is not a part of a calibration; name a file that bn calibrate --partial wrote");
  const content = text.slice(head[0].length, text.lastIndexOf("}"));
  if (sha256(content) !== head[1])
    throw fail("is damaged or truncated: its checksum does not match; make this part again");
  const part = JSON.parse(content, (_, value) => unpacked(value)) as CalibrationPart;
  if (part.type !== "calibration" || part.version !== 1) {
    throw fail(`is a part of version ${part.version}, this release reads 1; make it with the same release`);
  }
  return part;
}

/** The key of an object that represents a vector. */
const VECTOR = "$float64";

function packed(values: Float64Array): Readonly<Record<string, string>> {
  const bytes = Buffer.alloc(values.length * 8);
  for (let i = 0; i < values.length; i++) bytes.writeDoubleLE(values[i] as number, i * 8);
  return { [VECTOR]: bytes.toString("base64") };
}

function unpacked(value: unknown): unknown {
  const text = typeof value === "object" && value !== null && VECTOR in value ? value[VECTOR] : null;
  if (typeof text !== "string") return value;
  const bytes = Buffer.from(text, "base64");
  return Float64Array.from({ length: bytes.length >> 3 }, (_, i) => bytes.readDoubleLE(i * 8));
}

/** The statistics of a part by node, or empty statistics that begin with batch `first`. */
export function statisticsOf(
  part: CalibrationPart | null,
  nodes: readonly { readonly name: string; readonly channels: number }[],
  first: number,
): Map<string, Statistics> {
  const stored = new Map(part?.statistics.map(({ node, state }) => [node, state]));
  return new Map(
    nodes.map(({ name, channels }) => {
      const state = stored.get(name);
      return [name, state ? loadStatistics(state) : createStatistics(channels, { first })];
    }),
  );
}
