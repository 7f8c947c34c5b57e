import { createCpu } from "@bn/cpu";
import { type Format, mutated, survive } from "./mutate.ts";

/**
 * The long fuzz, started by hand: node test/fuzz.ts [count] [seed]. Every mutated file of either format must end in a
 * typed error or be read as it is, without growing memory. Prints one line per tenth, and exits with 1 at the first
 * failure.
 */
const [count, seed] = [Number(process.argv[2] ?? 100_000), process.argv[3] ?? "fuzz"];
const LIMIT_BYTES = 2 ** 30;

await using cpu = await createCpu();
for (const format of ["binary", "text"] satisfies Format[]) {
  const outcomes = { refused: 0, read: 0, converted: 0 };
  let [slowest, largest] = [0, 0];
  for (let n = 0; n < count; n++) {
    const bytes = mutated(format, seed, n);
    const started = performance.now();
    try {
      outcomes[survive(format, bytes, cpu)]++;
    } catch (error) {
      console.error(`${format} file ${n} of seed ${seed}, ${bytes.length} bytes:`, error);
      process.exit(1);
    }
    slowest = Math.max(slowest, performance.now() - started);
    largest = Math.max(largest, process.memoryUsage().rss);
    if (largest > LIMIT_BYTES) {
      console.error(`${format} file ${n} of seed ${seed}: ${largest} bytes resident`);
      process.exit(1);
    }
    if ((n + 1) % Math.ceil(count / 10) === 0) {
      const { refused, read, converted } = outcomes;
      const state = `slowest ${slowest.toFixed(0)} ms, at most ${(largest / 2 ** 20).toFixed(0)} MiB`;
      console.log(`${format} ${n + 1}: ${refused} refused, ${read} read, ${converted} converted; ${state}`);
    }
  }
}
