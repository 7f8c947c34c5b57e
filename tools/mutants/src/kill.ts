import { fork } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { random } from "@bn/conformance";
import { SETS } from "./generated/judge.ts";

// Plants each mistake into a backend, one after the other, and lists those that the suite does not find.
const HELP = `Usage: node src/kill.ts [options]

  --backend <name>   cpu (default), wasm or webgpu
  --set <name>       generated or strangers (default: both)
  --only <text>      the mistakes whose name contains it
  --sample <n>       n of them, as --seed draws them
  --seed <text>      (default: 1)
  --shard <i/n>      part I of N
  --jobs <n>         processes side by side (default: half of the processors)
  --resume <file>    add each verdict to this file; judge none that is there as killed
  --verbose          each mistake with the case that found it
`;
const { values } = parseArgs({
  options: {
    backend: { type: "string", default: "cpu" },
    set: { type: "string" },
    only: { type: "string", default: "" },
    sample: { type: "string" },
    seed: { type: "string", default: "1" },
    shard: { type: "string", default: "1/1" },
    jobs: { type: "string", default: String(Math.ceil(availableParallelism() / 2)) },
    resume: { type: "string" },
    verbose: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** Tells a process that no mutants are left. */
const END = -1;

interface Mistake {
  readonly id: string;
  readonly kind: string;
}
interface Verdict extends Mistake {
  /** The case that found the mutant; null if it has survived. */
  readonly killer: string | null;
}
/** Its index in the list that every process has. */
interface Chosen extends Mistake {
  readonly index: number;
}

function choose(all: readonly Mistake[]): Chosen[] {
  const r = random(`mutants ${values.seed}`);
  const [part = 1, of = 1] = values.shard.split("/").map(Number);
  if (!(part >= 1 && part <= of)) throw new Error(`--shard ${values.shard}: expected I/N, 1 <= I <= N`);
  return all
    .map(({ id, kind }, index) => ({ id, kind, index, at: r.uniform() }))
    .filter(({ id }) => id.includes(values.only))
    .sort((a, b) => a.at - b.at)
    .slice(0, Number(values.sample ?? Number.POSITIVE_INFINITY))
    .filter((_, i) => i % of === part - 1);
}

function known(): Verdict[] {
  if (values.resume === undefined || !existsSync(values.resume)) return [];
  const lines = readFileSync(values.resume, "utf8").split("\n").filter(Boolean);
  return lines.map((line): Verdict => JSON.parse(line)).filter(({ killer }) => killer !== null);
}

/** Judges the mutants that `next` returns until none is left. The run fails if a process ends by itself. */
async function judgeIn(next: (all: readonly Mistake[]) => Chosen | null, tell: (verdict: Verdict) => void) {
  const path = fileURLToPath(new URL("./worker.ts", import.meta.url));
  const child = fork(path, [values.backend, values.set ?? SETS.join(",")]);
  const ended = once(child, "exit").then(([code, signal]): never => {
    throw new Error(`a process ended with ${signal ?? code}`);
  });
  ended.catch(() => {});
  const message = async <T>() => ((await Promise.race([once(child, "message"), ended])) as [T])[0];
  const all = await message<readonly Mistake[]>();
  for (let one = next(all); one !== null; one = next(all)) {
    child.send(one.index);
    const { killer } = await message<{ readonly killer: string | null }>().catch((cause: unknown) => {
      throw new Error(`${one?.id}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    });
    tell({ id: one.id, kind: one.kind, killer });
  }
  child.send(END);
  await ended.catch(() => {});
}

async function main(): Promise<void> {
  const start = performance.now();
  const verdicts: Verdict[] = [];
  let queue: Chosen[] | null = null;
  const next = (all: readonly Mistake[]) => {
    if (queue === null) {
      const before = new Map(known().map((verdict) => [verdict.id, verdict]));
      const chosen = choose(all);
      verdicts.push(...chosen.flatMap(({ id }) => before.get(id) ?? []));
      queue = chosen.filter(({ id }) => !before.has(id));
    }
    return queue.shift() ?? null;
  };
  const tell = (verdict: Verdict) => {
    verdicts.push(verdict);
    if (values.resume !== undefined) appendFileSync(values.resume, `${JSON.stringify(verdict)}\n`);
    if (verdict.killer === null) console.log(`survived: ${verdict.id}`);
    else if (values.verbose) console.log(`killed: ${verdict.id}  (${verdict.killer})`);
  };
  await Promise.all(Array.from({ length: Math.max(Number(values.jobs), 1) }, () => judgeIn(next, tell)));
  const killed = verdicts.filter(({ killer }) => killer !== null);
  const kinds = new Set(killed.map(({ kind }) => kind)).size;
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `${values.backend}: ${verdicts.length} mutants, ${killed.length} killed, ${kinds} kinds of mistake, ${seconds} s`,
  );
  process.exitCode = verdicts.length > 0 && killed.length === verdicts.length ? 0 : 1;
}

if (values.help) console.log(HELP);
else await main();
