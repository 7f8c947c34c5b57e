import { loadStatistics } from "@bn/core";
import { paramError } from "../graph/errors.ts";
import { batchesOf } from "./gather.ts";
import { type CalibrationPart, differenceOf } from "./part.ts";

/** A part with its name in messages. */
export interface NamedPart {
  readonly name: string;
  readonly part: CalibrationPart;
}

/**
 * Joins parts of one pass, with the same bits as a single run (M-2). Parts without batches are ignored.
 *
 * Errors: `ERR_BN_PARAM`, naming parts and batches, if the runs differ, if there is a gap or an overlap, or if a part
 * is missing.
 */
export function joinParts(parts: readonly NamedPart[], whole: boolean): CalibrationPart {
  const fail = (what: string) => paramError(`merge: ${what}`);
  const [given] = parts;
  if (given === undefined) throw fail("no parts were given; name the files that bn calibrate --partial wrote");
  for (const { name, part } of parts) {
    const different = differenceOf(part.run, given.part.run);
    if (different !== null) throw fail(`${name} belongs to another run than ${given.name}: ${different}`);
    if (part.level !== given.part.level)
      throw fail(`${name} belongs to level ${part.level}, expected ${given.part.level}`);
  }
  const used = parts.filter(({ part }) => part.batches > 0).toSorted((a, b) => a.part.first - b.part.first);
  const { run } = given.part;
  const total = run.samples === null ? null : batchesOf(run.samples, run.batch);
  let [next, before] = [whole ? 0 : (used[0]?.part.first ?? 0), "the start"];
  for (const { name, part } of used) {
    if (part.first > next)
      throw fail(
        `a gap: batches ${next} to ${part.first - 1} are missing, between ${before} and ${name}; add the part that has them`,
      );
    if (part.first < next)
      throw fail(
        `an overlap: ${name} begins with batch ${part.first}, and ${before} ends with ${next - 1}; give each batch once`,
      );
    next = part.first + part.batches;
    before = name;
  }
  if (whole && total !== null && next !== total) {
    throw fail(`a gap: batches ${next} to ${total - 1} are missing, after ${before}; add the part that has them`);
  }
  const [first, ...others] = used;
  if (first === undefined) return given.part;
  const statistics = first.part.statistics.map(({ node, state }) => {
    const all = loadStatistics(state);
    for (const { part } of others) {
      const own = part.statistics.find((one) => one.node === node);
      if (own) all.merge(loadStatistics(own.state));
    }
    return { node, state: all.state() };
  });
  return { ...first.part, batches: next - first.part.first, statistics };
}
