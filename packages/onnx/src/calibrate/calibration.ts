import type { BnError } from "@bn/core";
import { dataError, paramError } from "../graph/errors.ts";
import type { CalibrationData, DataPort } from "./data/data.ts";
import { shareOf } from "./exchange.ts";
import { batchesOf, type GatherOptions, gather, recordOf, settledBy, shardOf } from "./gather.ts";
import type { StoredStatistics } from "./instrument.ts";
import { joinParts, type NamedPart } from "./merge.ts";
import type { ChosenNode } from "./nodes.ts";
import type { CalibrationPart, RunRecord, SettledNode } from "./part.ts";
import { type CalibrationRow, calibratedRow, leftRow } from "./report.ts";
import { storedOf } from "./settle.ts";
import type { Subject } from "./subject.ts";

export interface Calibrated {
  /** The model's file with new means and variances. Everything else is unchanged. */
  readonly bytes: Uint8Array;
  /** One row per BatchNormalization. */
  readonly rows: readonly CalibrationRow[];
}

/** Shard `index` of `count`, counted from 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/**
 * A network whose statistics are to be recomputed: in one run, or in parts that are computed anywhere and then merged.
 */
export interface Calibration {
  /** The inputs that need data. */
  readonly ports: readonly DataPort[];
  /** The names of the nodes that get new statistics. */
  readonly nodes: readonly string[];
  /** The rows of the nodes that do not. */
  readonly left: readonly CalibrationRow[];
  /** Does the whole run, as `calibrateModel` does. */
  run(data: CalibrationData, options?: GatherOptions): Promise<Calibrated>;
  /**
   * The contribution of a shard: the statistics of its share of the batches. Only in mode batch.
   *
   * Errors: those of `run`; `ERR_BN_PARAM` for a shard that does not exist, for mode exact, or for a stream.
   */
  part(data: CalibrationData, shard: Shard, options?: GatherOptions): Promise<CalibrationPart>;
  /**
   * The result of `run` from the parts of all shards, in any order, with the same bits however the batches were divided
   * (M-2).
   *
   * Errors: `ERR_BN_PARAM`, naming the part, if it belongs to another model or run, or if there are gaps or overlaps;
   * `ERR_BN_DATA` as for `run`.
   */
  merge(parts: readonly NamedPart[]): Promise<Calibrated>;
}

/**
 * Writes new statistics into the network's file. Returns, per node, the nodes that shared the old statistics with it.
 */
export type WriteStatistics = (stored: ReadonlyMap<ChosenNode, StoredStatistics>) => Promise<{
  readonly bytes: Uint8Array;
  readonly shared: ReadonlyMap<ChosenNode, readonly string[]>;
}>;

export function createCalibration(subject: Subject, write: WriteStatistics): Calibration {
  async function finish(settled: readonly SettledNode[]): Promise<Calibrated> {
    const byName = new Map(settled.map((one) => [one.node, one]));
    const found = subject.nodes.flatMap((node) => {
      const one = byName.get(node.name);
      return one ? [{ node, count: one.count, stored: storedOf(node, one) }] : [];
    });
    const { bytes, shared } = await write(new Map(found.map(({ node, stored }) => [node, stored])));
    const rows = found.map(({ node, count, stored }) => calibratedRow(node, count, stored, shared.get(node)));
    return { bytes, rows: [...rows, ...subject.left.map(leftRow)] };
  }
  return {
    ports: subject.ports,
    nodes: subject.nodes.map(({ name }) => name),
    left: subject.left.map(leftRow),
    async run(data, options = {}) {
      if (subject.nodes.length === 0) return finish([]);
      const run = await recordOf(subject, data, options);
      const { communicator } = options;
      const { range, exchange } = communicator === undefined ? alone(run) : shareOf(run, communicator);
      return finish(settledBy(subject, await gather(subject, data, run, range, options, exchange)));
    },
    async part(data, { index, count }, options = {}) {
      if (!(Number.isSafeInteger(count) && Number.isSafeInteger(index) && index >= 1 && index <= count)) {
        throw paramError(`shard is ${index} of ${count}, expected 1 to ${count} of ${count}`);
      }
      const run = await recordOf(subject, data, options);
      if (run.mode === "exact") {
        throw paramError(
          "a shard cannot run in mode exact: each level of nodes needs the results of all shards; use mode batch",
        );
      }
      if (run.samples === null) {
        throw paramError("a shard cannot be part of a stream, whose number of batches is not known; name files");
      }
      if (subject.nodes.length === 0) throw nothingIn(subject);
      return gather(subject, data, run, shardOf(batchesOf(run.samples, run.batch), index, count), options);
    },
    async merge(parts) {
      const part = joinParts(parts, true);
      if (part.run.model !== subject.digest) {
        throw paramError(
          `merge: ${parts[0]?.name} is of a model with SHA-256 ${part.run.model}, this one has ${subject.digest}; give the model that the parts were made from`,
        );
      }
      if (String(part.run.nodes) !== String(subject.nodes.map(({ name }) => name))) {
        throw paramError(`merge: ${parts[0]?.name} has other nodes than the ones chosen now; choose the same nodes`);
      }
      return finish(settledBy(subject, part));
    },
  };
}

/** The exchange of a single process, which does all the work. */
function alone({ samples, batch }: RunRecord): ReturnType<typeof shareOf> {
  return { range: { first: 0, end: samples === null ? null : batchesOf(samples, batch) }, exchange: (part) => part };
}

function nothingIn({ left }: Subject): BnError {
  const reasons = left.slice(0, 5).map(({ name, reason }) => `"${name}" ${reason}`);
  const more = left.length > reasons.length ? `; and ${left.length - reasons.length} more` : "";
  const why =
    reasons.length === 0
      ? "it has none; if the export fused them into other layers, export it without fusion"
      : reasons.join("; ");
  return dataError(`there is no BatchNormalization that can get new statistics: ${why}${more}`);
}
