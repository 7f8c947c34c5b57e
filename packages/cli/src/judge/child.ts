import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { type Case, createDiagnoser, type Result, runCase } from "@bn/conformance";
import type { Backend } from "@bn/core";
import { importModule } from "../backend-module.ts";
import { openBackend } from "../backends.ts";
import { chooseCases } from "../suite.ts";
import { watchBuiltins } from "./builtins.ts";
import { openJournal } from "./journal.ts";
import type { Order } from "./order.ts";
import { messageOf, stackOf, userFrame } from "./stacks.ts";

// The process for one backend. If the backend exits, hangs or crashes, the journal contains what was done until then.
const order: Order = JSON.parse(readFileSync(process.argv[2] as string, "utf8"));
const journal = openJournal(order.journal);
const replaced = watchBuiltins();
// Copied now, because the backend's module may replace them.
const { exit, memoryUsage } = process;
const [turn, wait, now] = [setImmediate, setTimeout, performance.now.bind(performance)];
const rss = memoryUsage.rss.bind(process);
const nextTurn = () => new Promise<void>((done) => turn(done));

/** How long to wait for work that a disposed backend left behind. */
const MS_LINGER = 500;
/** Checking builtins costs a quarter of a millisecond, so it is not done after every case. */
const CASES_BETWEEN_CHECKS = 32;
/**
 * The time for all repetitions together. One mistake can fail thousands of cases, and some of them are enough to find
 * it.
 */
const MS_DIAGNOSES = 30_000;

/** Errors that no call threw: from a timer, or from a promise that is not awaited. */
let strays: Error[] = [];
const stray = (kind: string) => (error: unknown) => {
  const text = `${kind}: ${messageOf(error)}`;
  const found = new Error(text, { cause: error });
  found.stack = stackOf(error);
  strays[strays.length] = found;
};
process.on("unhandledRejection", stray("an unhandled rejection of a promise"));
process.on("uncaughtException", stray("an uncaught error"));
// The terminal's Ctrl-C also reaches this process, but the parent decides what to do.
process.on("SIGINT", () => {});

new Worker(new URL(`./orphan${extname(import.meta.url)}`, import.meta.url), { workerData: order.parent }).unref();
process.channel?.unref();

const create = async () => {
  const made = await openBackend(order.spec);
  checkBuiltins();
  return made;
};
const cases = order.cases === null ? [] : await chooseCases(order.suite, () => {});
journal.write({ type: "alive" });
// Imported first, because the module may change builtins that the code below uses. A failure to import is reported
// below.
await importModule(order.spec).catch(() => {});
checkBuiltins();
let backend: Backend | null = null;
try {
  backend = await create();
} catch (error) {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const cause = error instanceof Error ? error.cause : undefined;
  journal.write({ type: "noStart", code, message: messageOf(error), frame: userFrame(stackOf(cause ?? error)) });
}
if (backend) await judge(backend);
journal.write({ type: "done" });
exit(0);

async function judge(used: Backend): Promise<void> {
  const { name, supports, contractVersion } = used;
  await nextTurn();
  journal.write({ type: "ready", name, supports, contractVersion });
  const diagnoser = createDiagnoser(used, create);
  let spent = 0;
  for (const [done, index] of (order.cases ?? []).entries()) {
    const one = cases[index] as Case;
    const result = await judgeCase(used, one, index);
    if (done % CASES_BETWEEN_CHECKS === 0) checkBuiltins();
    if (result.status !== "failed" || result.cause || !order.diagnose || spent > MS_DIAGNOSES) continue;
    journal.write({ type: "diagnose", index });
    const started = now();
    // If the search for a cause fails, the failure itself must still be reported, so errors here are ignored.
    const cause = await diagnoser.diagnose(one, result).catch(() => null);
    spent += now() - started;
    strays = [];
    journal.write({ type: "cause", index, cause });
  }
  checkBuiltins();
  await disposeAll(used);
}

async function judgeCase(used: Backend, one: Case, index: number): Promise<Result> {
  journal.write({ type: "begin", index, rss: rss() });
  const name = order.name ?? used.name;
  const started = now();
  let result = await runCase(name, used, create, one);
  // Unhandled errors are reported at the end of a turn.
  await nextTurn();
  const [first] = strays;
  if (first && result.status !== "failed") {
    const { error, bound, ratio, worst, ...rest } = result;
    const cause = { key: `process/errors/${first.message.replace(/\d+/g, "N")}`, text: first.message, clause: "P-1" };
    result = { ...rest, error: null, bound: null, ratio: null, status: "failed", reason: first.message, cause };
    if (first.stack) result = { ...result, stack: first.stack };
  }
  strays = [];
  result = { ...result, ms: now() - started };
  journal.write({ type: "result", index, result });
  return result;
}

function checkBuiltins(): void {
  const names = replaced();
  if (names.length === 0) return;
  const some = names.slice(0, 5).join(", ");
  const more = names.length > 5 ? ` and ${names.length - 5} more` : "";
  const reason = `the module replaced ${some}${more}: other code in the process, including the suite, can no longer rely on these builtins`;
  journal.write({ type: "fault", fault: { name: "builtins", reason } });
}

async function disposeAll(used: Backend): Promise<void> {
  journal.write({ type: "dispose" });
  try {
    await used.dispose();
  } catch (error) {
    const fault = { name: "dispose", reason: `dispose() threw: ${messageOf(error)}`, stack: stackOf(error) } as const;
    journal.write({ type: "fault", fault });
  }
  // Late errors can occur while some work is left. If none is left, the process ends at once.
  await new Promise<void>((done) => {
    process.once("beforeExit", () => done());
    wait(done, MS_LINGER).unref();
  });
  const [first] = strays;
  if (!first) return;
  const reason = `after the last case, ${first.message}`;
  journal.write({ type: "fault", fault: { name: "errors", reason, ...(first.stack ? { stack: first.stack } : {}) } });
}
