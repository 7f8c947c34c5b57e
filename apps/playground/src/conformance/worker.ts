import {
  type Case,
  cases,
  createDiagnoser,
  type Diagnoser,
  goldenCases,
  type Result,
  readGoldens,
  runCase,
  type Tier,
} from "@bn/conformance";
import type { Backend, Supports } from "@bn/core";
import type { BackendName } from "../backends.ts";
import { fetched } from "../parts/fetched.ts";
import { type Post, serveTask } from "../parts/serve-task.ts";

/** One backend's part of a run. */
export interface Order {
  readonly backend: BackendName;
  readonly tier: Tier;
  readonly seed: string;
  /** The URL of the page; golden data lies below it. */
  readonly base: string;
  /** Only the case with this id, or all whose ids contain this text. */
  readonly only: { readonly id: string } | { readonly filter: string } | null;
  /** Ids that have already run. */
  readonly done: readonly string[];
}

export type Progress =
  | { readonly type: "starting"; readonly what: "the backend" | "the cases" }
  | {
      readonly type: "started";
      readonly supports: Supports;
      readonly contractVersion: number;
      readonly cases: readonly Named[];
    }
  | { readonly type: "results"; readonly results: readonly Result[]; readonly next: string }
  | { readonly type: "lost"; readonly message: string };
export type Named = Pick<Case, "id" | "group" | "clause">;

const MS_BETWEEN_MESSAGES = 200;
/** The time for all repetitions of failed cases together, as in `bn conformance`. */
const MS_DIAGNOSES = 30_000;
/** How many times a lost device is replaced. */
const REPLACEMENTS = 3;

serveTask<Order, Progress>(async (order, post, openBackend) => {
  const out = batches(post);
  let current = "";
  const create = () => {
    out.flush(current); // if the worker is replaced, what it has not posted runs again
    return openBackend(order.backend);
  };
  post({ type: "starting", what: "the backend" });
  let backend = await create();
  post({ type: "starting", what: "the cases" });
  const chosen = await chooseCases(order);
  const { supports, contractVersion } = backend;
  post({
    type: "started",
    supports,
    contractVersion,
    cases: chosen.map(({ id, group, clause }) => ({ id, group, clause })),
  });
  let diagnoser = createDiagnoser(backend, create);
  let replaced = 0;
  for (const [i, one] of chosen.entries()) {
    const begun = performance.now();
    current = one.id;
    let result = await runCase(order.backend, backend, create, one);
    result = { ...result, ms: performance.now() - begun };
    if (result.status === "failed") result = await diagnosed(diagnoser, one, result);
    out.add(result, chosen[i + 1]?.id ?? "");
    const lost = result.status === "failed" ? await lossOf(backend) : null;
    if (lost === null) continue;
    post({ type: "lost", message: lost });
    await backend.dispose().catch(() => {});
    if (++replaced > REPLACEMENTS) break;
    backend = await create();
    diagnoser = createDiagnoser(backend, create);
  }
  out.flush("");
  await backend.dispose().catch(() => {}); // a lost device may report its loss again
});

async function chooseCases({ tier, seed, base, only, done }: Order): Promise<readonly Case[]> {
  if (only && "id" in only) {
    const quick = cases({ tier: "quick", seed }).find(({ id }) => id === only.id);
    if (quick) return [quick]; // leaves out the golden data
  }
  const bytes = async (name: string) => new Uint8Array(await (await fetched(`goldens/${name}`, base)).arrayBuffer());
  const goldens = goldenCases(await readGoldens({ bytes }));
  if (only && "id" in only) {
    const golden = goldens.filter(({ id }) => id === only.id);
    return golden.length > 0 ? golden : cases({ tier: "default", seed }).filter(({ id }) => id === only.id);
  }
  const ran = new Set(done);
  const all = [...cases({ tier, seed }), ...goldens].filter(({ id }) => !ran.has(id));
  return only ? all.filter(({ id }) => id.includes(only.filter)) : all;
}

let spent = 0;

async function diagnosed(diagnoser: Diagnoser, one: Case, result: Result): Promise<Result> {
  if (spent > MS_DIAGNOSES) return result;
  const begun = performance.now();
  // If the cause cannot be found, the failure is still reported.
  const cause = await diagnoser.diagnose(one, result).catch(() => undefined);
  spent += performance.now() - begun;
  return cause ? { ...result, cause } : result;
}

/** The reason for the loss of the device, or null. */
async function lossOf(backend: Backend): Promise<string | null> {
  return backend.finish().then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

/** Sends results in batches, because a message per case would keep the page busy. */
function batches(post: Post<Progress>) {
  let results: Result[] = [];
  let last = performance.now();
  const flush = (next: string) => {
    if (results.length > 0) post({ type: "results", results, next });
    results = [];
    last = performance.now();
  };
  return {
    add(result: Result, next: string) {
      results.push(result);
      if (performance.now() - last > MS_BETWEEN_MESSAGES) flush(next);
    },
    flush,
  };
}
