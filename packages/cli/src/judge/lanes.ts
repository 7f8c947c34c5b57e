import type { Case, Result } from "@bn/conformance";
import { type Judged, type Judging, joined, notRun, SILENT, superviseBackend } from "./supervise.ts";

type Placed = Judging["cases"];

/**
 * Judges one backend in `jobs` processes side by side, each with its share of the cases. The results are those of a
 * single process, in the same order. If a process cannot start next to the others, its share runs after them.
 */
export async function superviseLanes(judging: Judging, jobs: number): Promise<Judged> {
  const { cases, stop } = judging;
  const lanes = Math.min(jobs, cases.length);
  if (lanes <= 1) return superviseBackend(judging);
  let told = false;
  const onStart = (name: string) => {
    if (!told) judging.onStart(name);
    told = true;
  };
  const run = async (share: Placed) => ({
    share,
    judged: await superviseBackend({ ...judging, cases: share, onStart }),
  });
  // Neighbouring cases cost about the same, so each lane takes every n-th.
  const shares = Array.from({ length: lanes }, (_, lane) => cases.filter((_, i) => i % lanes === lane));
  const done = await Promise.all(shares.map(run));
  const started = done.find(({ judged }) => judged.started)?.judged.started ?? null;
  const waiting = done.filter(({ judged }) => !judged.started).flatMap(({ share }) => share);
  if (started && waiting.length > 0 && stop() === null) {
    done.push(await run(waiting.sort((a, b) => a.index - b.index)));
  }

  const said = done.map(({ judged }) => judged.printed).reduce(joined, SILENT);
  const noStart = done.at(-1)?.judged.noStart ?? null;
  if (!started) return { started, noStart, results: [], printed: said };
  const { byIndex, faults } = collected(done);
  const why = stop() ?? `it failed to start again: ${noStart?.message ?? ""}`;
  for (const { one, index } of cases) {
    if (byIndex.has(index)) continue;
    const result = notRun(started.name, one, why);
    byIndex.set(index, result);
    judging.onResult(result);
  }
  const results = [...byIndex].sort(([a], [b]) => a - b).map(([, result]) => result);
  return { started, noStart: null, results: [...results, ...faults.values()], printed: said };
}

interface Lane {
  readonly share: readonly { readonly one: Case; readonly index: number }[];
  readonly judged: Judged;
}

/**
 * A lane that started has one result per case, in order, followed by the failures of its process, which may be common
 * to all lanes.
 */
function collected(lanes: readonly Lane[]): { byIndex: Map<number, Result>; faults: Map<string, Result> } {
  const byIndex = new Map<number, Result>();
  const faults = new Map<string, Result>();
  for (const { share, judged } of lanes) {
    for (const [i, result] of judged.results.entries()) {
      const placed = share[i];
      if (placed) byIndex.set(placed.index, result);
      else if (!faults.has(result.id)) faults.set(result.id, result);
    }
  }
  return { byIndex, faults };
}
