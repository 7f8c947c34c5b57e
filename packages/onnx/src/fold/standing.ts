import { type NormRecord, quotients } from "../layers/record.ts";
import type { FoldAttempts } from "./attempts.ts";
import type { FoldStep } from "./task.ts";
import type { NamedNorm } from "./tasks.ts";

/**
 * Which normalizations of a network another network still has: those with the same values, and by name if several are
 * alike. A product or sum with constants is found by the name of its node.
 */
export function standingIn(
  norms: readonly NamedNorm[],
  { norms: others, constants }: FoldAttempts,
): (step: Pick<FoldStep, "name" | "norm">) => boolean {
  const left = new Set(others);
  const standing = new Set<NormRecord>();
  for (const sameName of [true, false]) {
    for (const { name, norm } of norms) {
      if (standing.has(norm)) continue;
      const found = [...left].find((other) => (other.name === name || !sameName) && sameValues(other.norm, norm));
      if (found === undefined) continue;
      left.delete(found);
      standing.add(norm);
    }
  }
  const byName = new Set(norms.flatMap(({ name, norm }) => (standing.has(norm) ? [name] : [])));
  return ({ name, norm }) => (norm === null ? constants.has(name) : standing.has(norm) || byName.has(name));
}

function sameValues(a: NormRecord, b: NormRecord): boolean {
  if (a.channels !== b.channels) return false;
  const [p, q] = [quotients(a), quotients(b)];
  const pairs = [
    [p.mean, q.mean],
    [p.variance, q.variance],
    [a.gamma, b.gamma],
    [a.beta, b.beta],
  ] as const;
  // A network of another format may have rounded the quotients to float32.
  return pairs.every(([one, other]) => {
    return Array.from({ length: a.channels }, (_, c) => c).every((c) => {
      return Math.fround(one?.[c] ?? 0) === Math.fround(other?.[c] ?? 0) || one?.[c] === other?.[c];
    });
  });
}
