import { createCpu } from "@bn/cpu";
import { createRuntime } from "../src/verify/index.ts";
import { mutated, survive } from "./mutate.ts";

/**
 * The long fuzz, started by hand: node test/fuzz.ts [count] [seed] [first] runs models first to count - 1. Every
 * mutated model must end in a typed error or in right results, each within about a second, without growing memory.
 * Prints one line per tenth, and exits with 1 at the first failure.
 */
const [count, seed, first] = [
  Number(process.argv[2] ?? 100_000),
  process.argv[3] ?? "fuzz",
  Number(process.argv[4] ?? 0),
];
/** The time limit of one run. A model may take several runs. */
const LIMIT_MS = 10_000;
const LIMIT_BYTES = 2 ** 30;

await using cpu = await createCpu();
await using runtime = createRuntime({ timeout: LIMIT_MS / 1000, memory: 2 * LIMIT_BYTES });
const outcomes = { refused: 0, read: 0, verified: 0 };
let [slowest, largest] = [0, 0];
for (let n = first; n < count; n++) {
  const bytes = mutated(seed, n);
  const started = performance.now();
  try {
    outcomes[await survive(bytes, cpu, runtime)]++;
  } catch (error) {
    console.error(`model ${n} of seed ${seed}, ${bytes.length} bytes:`, error);
    process.exit(1);
  }
  slowest = Math.max(slowest, performance.now() - started);
  largest = Math.max(largest, process.memoryUsage().rss);
  if (slowest > 3 * LIMIT_MS || largest > LIMIT_BYTES) {
    console.error(`model ${n} of seed ${seed}: ${slowest.toFixed(0)} ms, ${largest} bytes resident`);
    process.exit(1);
  }
  if ((n + 1) % Math.ceil(count / 10) === 0 || n + 1 === count) {
    const { refused, read, verified } = outcomes;
    const state = `slowest ${slowest.toFixed(0)} ms, at most ${(largest / 2 ** 20).toFixed(0)} MiB`;
    console.log(`${n + 1}: ${refused} refused, ${read} read, ${verified} verified; ${state}`);
  }
}
