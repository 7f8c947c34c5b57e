import { BnError, createStatistics, loadStatistics, type Statistics, type StatisticsState } from "@bn/core";
import { sha256 } from "./subject.ts";

/** How each batch's statistics come about: see `calibrateModel`. */
export type CalibrationMode = "batch" | "exact";

/** The settings that two runs must have in common, so that their parts can be merged. */
export interface RunRecord {
  /** SHA-256 of the model's file. */
  readonly model: string;
  /** A checksum of names, types, shapes and checksums of the data; "stream" where it passes once. */
  readonly data: string;
  /** null: known at the end. */
  readonly samples: number | null;
  readonly batch: number;
  readonly mode: CalibrationMode;
  readonly nodes: readonly string[];
  readonly runtime: string;
  readonly threads: number;
  readonly cpu: string;
}

/** Statistics of a node that will not change any more: of exact mode's earlier levels. */
export interface SettledNode {
  readonly node: string;
  readonly count: number;
  readonly mean: Float64Array;
  /** Unbiased. */
  readonly variance: Float64Array;
}

/**
 * What was gathered so far: the batches [first, first + batches) of one pass. A shard's result, and an interrupted run's state.
 */
export interface CalibrationPart {
  readonly type: "calibration";
  readonly version: 1;
  readonly run: RunRecord;
  /** The level of nodes that this pass measures; 0 in mode batch. */
  readonly level: number;
  readonly settled: readonly SettledNode[];
  readonly first: number;
  readonly batches: number;
  /** Of a stream: SHA-256 of what was read. */
  readonly seen: string;
  readonly statistics: readonly { readonly node: string; readonly state: StatisticsState }[];
}

/** Texts by field, for messages. */
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

/** In words where two runs differ, or null. */
export function differenceOf(came: RunRecord, expected: RunRecord): string | null {
  const keys = Object.keys(FIELDS) as (keyof RunRecord)[];
  const key = keys.find((one) => JSON.stringify(came[one]) !== JSON.stringify(expected[one]));
  if (key === undefined) return null;
  const text = (value: unknown) =>
    Array.isArray(value) ? `${value.length}, ${value.slice(0, 3).join(", ")}...` : value;
  return `${FIELDS[key]} is ${text(came[key])}, expected ${text(expected[key])}`;
}

/**
 * A part as the bytes of a file: JSON, its vectors in base64, with a checksum, so that a file that was cut off is noticed.
 */
export function encodePart(part: CalibrationPart): string {
  const content = JSON.stringify(part, (_, value) => (value instanceof Float64Array ? packed(value) : value));
  return `{"sha256":"${sha256(content)}","part":${content}}\n`;
}

/** Errors: `ERR_BN_DATA`, naming the file: no part, of another version, cut off or changed. */
export function decodePart(text: string, where: string): CalibrationPart {
  const fail = (what: string, cause?: unknown) => new BnError("ERR_BN_DATA", `${where}: ${what}`, { cause });
  const head = /^\{"sha256":"([0-9a-f]{64})","part":/.exec(text);
  if (!head) throw fail("is not part of a calibration; name what bn calibrate --partial wrote");
  const content = text.slice(head[0].length, text.lastIndexOf("}"));
  if (sha256(content) !== head[1]) throw fail("is damaged or cut off: its checksum differs; make this part again");
  const part = JSON.parse(content, (_, value) => unpacked(value)) as CalibrationPart;
  if (part.type !== "calibration" || part.version !== 1) {
    throw fail(`is a part of version ${part.version}, this release reads 1; make it with the same release`);
  }
  return part;
}

/** The key of an object that stands for a vector. */
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

/** The statistics of a part, or empty ones that begin with batch `first`, by node. */
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
