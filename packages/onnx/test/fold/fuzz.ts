import { outcomeOf, pairOf } from "./pairs.ts";

/**
 * The long fuzz, started by hand: node test/fold/fuzz.ts [count] [seed] [first]. Every mutated pair of a network and
 * its fold must end in verdicts or in a typed error, each within seconds, without growing memory. Exits with 1 at the
 * first failure.
 */
const [count = 100_000, seed = "fold", first = 0] = [
  Number(process.argv[2] ?? 100_000),
  process.argv[3] ?? "fold",
  Number(process.argv[4] ?? 0),
];
const LIMIT_MS = 10_000;
const LIMIT_BYTES = 2 ** 30;

const outcomes = { judged: 0, nothing: 0, refused: 0 };
let [slowest, largest] = [0, 0];
for (let n = first; n < first + count; n++) {
  const pair = pairOf(seed, n);
  const started = performance.now();
  try {
    outcomes[await outcomeOf(pair)]++;
  } catch (error) {
    console.error(`pair ${n} of seed ${seed}:`, error);
    process.exit(1);
  }
  slowest = Math.max(slowest, performance.now() - started);
  largest = Math.max(largest, process.memoryUsage().rss);
  if (slowest > LIMIT_MS || largest > LIMIT_BYTES) {
    console.error(`pair ${n} of seed ${seed}: ${slowest.toFixed(0)} ms, ${largest} bytes resident`);
    process.exit(1);
  }
  if ((n - first + 1) % Math.ceil(count / 10) === 0) {
    const { judged, nothing, refused } = outcomes;
    const state = `slowest ${slowest.toFixed(0)} ms, at most ${(largest / 2 ** 20).toFixed(0)} MiB`;
    console.log(`${n + 1}: ${judged} judged, ${nothing} with nothing to judge, ${refused} refused; ${state}`);
  }
}
