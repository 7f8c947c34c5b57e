import type { BackendName } from "../backends.ts";
import { withOpened } from "../parts/opened.ts";
import { type PlainError, plainError } from "../parts/problem.ts";
import { serveTask } from "../parts/serve-task.ts";
import { COPY, type Contender, copy, openOurs, PEERS, type Prepared } from "./contenders.ts";
import { countOf, digitsOf, type Inputs, inputsFor, type Job } from "./jobs.ts";
import { type Repeated, sample } from "./sample.ts";

export interface SpeedOrder {
  readonly jobs: readonly Job[];
  readonly backends: readonly BackendName[];
  readonly peers: readonly string[];
  /** The number of samples per contender. */
  readonly rounds: number;
}

export type SpeedMessage =
  | { readonly type: "missing"; readonly name: string; readonly error: PlainError }
  | { readonly type: "doing"; readonly text: string }
  | { readonly type: "row"; readonly row: SpeedRow };

/** One contender with one job. `ms` is the median, or null if nothing was timed; `why` then says why. */
export interface SpeedRow {
  readonly job: Job;
  readonly name: string;
  readonly ms: number | null;
  /** The number of right digits of its result, which is checked before timing. */
  readonly digits: number | null;
  readonly why: string;
}

/** float32 results of plain sums have four digits or more; fewer mean a wrong result. */
const LEAST_DIGITS = 3;

serveTask<SpeedOrder, SpeedMessage>(async ({ jobs, backends, peers, rounds }, post, openBackend) => {
  const telling = (name: string, open: () => Promise<Contender>) => {
    const told = () => {
      post({ type: "doing", text: `starting ${name}` });
      return open();
    };
    return [name, told] as const;
  };
  const openings = [
    ...backends.map((name) => telling(name, () => openOurs(name, openBackend))),
    ...Object.entries(PEERS).flatMap(([name, open]) => (peers.includes(name) ? [telling(name, open)] : [])),
  ];
  const onMissing = (name: string, error: PlainError) => post({ type: "missing", name, error });
  await withOpened(openings, onMissing, async (contenders) => {
    for (const job of jobs) {
      post({ type: "doing", text: `measuring ${job.shape.join("x")}` });
      for (const row of await measure(job, [copy, ...contenders], rounds)) post({ type: "row", row });
    }
  });
});

interface Entry extends Repeated {
  readonly name: string;
  readonly prepared: Prepared | null;
  readonly digits: number | null;
  readonly why: string;
  readonly samples: number[];
}

/** Every contender is checked first. Then they take turns, so that disturbances of the machine affect all alike. */
async function measure(job: Job, contenders: readonly Contender[], rounds: number): Promise<SpeedRow[]> {
  const inputs = inputsFor(job.shape);
  const entries: Entry[] = [];
  try {
    for (const one of contenders) entries.push(await enter(one, job, inputs));
    const timed = entries.filter((one) => one.prepared !== null && one.why === "");
    for (const one of timed) await sample(one, one.prepared as Prepared); // its code is compiled by then
    for (let round = 0; round < rounds; round++) {
      for (const one of timed) one.samples.push(await sample(one, one.prepared as Prepared));
    }
  } finally {
    for (const { prepared } of entries) await prepared?.close().catch(() => {});
  }
  return entries.map(({ name, samples, digits, why }) => ({ job, name, ms: median(samples), digits, why }));
}

async function enter(one: Contender, job: Job, inputs: Inputs): Promise<Entry> {
  const entry = { name: one.name, prepared: null, digits: null, why: "", samples: [], calls: 1 };
  let prepared: Prepared | null = null;
  try {
    prepared = await one.prepare(job, inputs);
    if (!prepared) return { ...entry, why: "it has no such operation" };
    await prepared.run();
    const output = await prepared.output();
    if (output.length !== countOf(job.shape)) return { ...entry, prepared, why: `it gave ${output.length} values` };
    if (one.name === COPY) return { ...entry, prepared };
    const digits = digitsOf(job, inputs, output);
    const why = digits < LEAST_DIGITS ? `its result has ${digits.toFixed(1)} right digits: not timed` : "";
    return { ...entry, prepared, digits, why };
  } catch (error) {
    return { ...entry, prepared, why: plainError(error).message };
  }
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
