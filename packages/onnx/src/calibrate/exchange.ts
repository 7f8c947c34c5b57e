import type { Communicator } from "@bn/core";
import { paramError } from "../graph/errors.ts";
import { batchesOf, type Exchange, type Range, shardOf } from "./gather.ts";
import { joinParts } from "./merge.ts";
import { type CalibrationPart, decodePart, emptyPart, encodePart, type RunRecord } from "./part.ts";

/**
 * The share of a rank in a run, and the exchange in which all ranks join what they gathered in a pass. Each rank gets
 * all parts and joins them in the order of their batches, so all ranks have the same bits (M-2).
 *
 * Errors: `ERR_BN_PARAM` on every rank if their runs differ or the data is a stream; `ERR_BN_SYNC` as for the
 * communicator.
 */
export function shareOf(
  run: RunRecord,
  communicator: Communicator,
): { readonly range: Range; readonly exchange: Exchange } {
  if (run.samples === null) {
    throw paramError("several ranks cannot share a stream, whose number of batches is not known; name files");
  }
  const range = shardOf(batchesOf(run.samples, run.batch), communicator.rank + 1, communicator.size);
  const gatherParts = (tag: string, part: CalibrationPart) =>
    gatherTexts(communicator, tag, encodePart(part)).map((text, rank) => {
      const name = `rank ${rank}`;
      return { name, part: decodePart(text, name) };
    });
  // The ranks compare their runs before the first batch. Otherwise they would notice different machines or data only
  // hours later.
  joinParts(gatherParts("calibrate/run", emptyPart(run, range.first)), false);
  return { range, exchange: (part) => joinParts(gatherParts(`calibrate/level ${part.level}`, part), true) };
}

/** Gathers a text from every rank, in rank order. Each number holds four of its bytes. */
function gatherTexts(communicator: Communicator, tag: string, text: string): string[] {
  const own = Buffer.from(text);
  const lengths = communicator.allGather(`${tag}/length`, Float64Array.of(own.length));
  const words = Math.ceil(Math.max(...lengths) / 4);
  const padded = new Uint8Array(words * 4);
  padded.set(own);
  const all = communicator.allGather(tag, Float64Array.from(new Uint32Array(padded.buffer)));
  return Array.from(lengths, (length, rank) => {
    const bytes = new Uint8Array(Uint32Array.from(all.subarray(rank * words, (rank + 1) * words)).buffer);
    return Buffer.from(bytes.subarray(0, length)).toString();
  });
}
