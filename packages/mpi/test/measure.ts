// Usage: node test/measure.ts [RANKS...]. Measures how much time synchronising adds to the calls of a layer of 256
// channels, how a step of a large batch that the ranks share scales (by default over 1, 2 and 4 ranks), and what
// merging costs. Each rank gets a core of its own if there are enough.
import { availableParallelism } from "node:os";
import { mergeCost } from "./measure/merge.ts";
import type { Measured } from "./measure/rank.ts";
import { mpirunReports, whyNoMpirun } from "./mpirun.ts";

/** The number of measurements per number of ranks; they take turns. */
const TURNS = 3;

const missing = whyNoMpirun();
if (missing !== null) throw new Error(missing);
const chosen = process.argv.slice(2).map(Number);
const counts = chosen.length > 0 ? chosen : [1, 2, 4];
const cores = availableParallelism();
const runs: Measured[] = [];
for (let turn = 0; turn < TURNS; turn++) {
  for (const ranks of counts) {
    const bind = ranks > 1 && ranks <= cores;
    const { reports, stderr } = await mpirunReports<Measured>(ranks, "measure/rank.ts", [], { bind, limit: 600_000 });
    if (reports[0] === undefined) throw new Error(`no rank reported: ${stderr}`);
    runs.push(reports[0]);
  }
}

type What = "forward" | "backward" | "step";

/** Summarises all rounds of `ranks` except each run's first quarter: the median and the fastest tenth. */
function summaryOf(ranks: number, what: What) {
  const lists = runs.filter((run) => run.ranks === ranks).map((run) => run[what].slice(run[what].length / 4));
  const sorted = lists.flat().sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
  return { median: at(0.5), tenth: at(0.1) };
}

const added = ({ median, tenth }: { median: number; tenth: number }) => `${median.toFixed(0)} (${tenth.toFixed(0)}) us`;
const step = ({ median, tenth }: { median: number; tenth: number }) =>
  `${(median / 1000).toFixed(1)} (${(tenth / 1000).toFixed(1)}) ms`;
const rows = counts.map((ranks) => {
  const name = `${ranks}${ranks > cores ? `, on ${cores} cores` : ""}`;
  const [first, now] = [summaryOf(counts[0] ?? ranks, "step"), summaryOf(ranks, "step")];
  const speedup = `${(first.median / now.median).toFixed(2)} (${(first.tenth / now.tenth).toFixed(2)})`;
  return [name, added(summaryOf(ranks, "forward")), added(summaryOf(ranks, "backward")), step(now), speedup];
});
const head = ["ranks", "added to a forward", "added to a backward", "step of [64, 64, 28, 28]", "speed-up"];
for (const cells of [head, head.map(() => "---"), ...rows]) process.stdout.write(`| ${cells.join(" | ")} |\n`);
process.stdout.write("Medians, in brackets the fastest tenth.\n");
for (const ranks of [32, 1024]) {
  const { forward, backward } = await mergeCost(ranks);
  const both = `${forward.toFixed(1)} ns per channel and rank in a forward, ${backward.toFixed(1)} in a backward`;
  process.stdout.write(`Merging ${ranks} ranks: ${both}.\n`);
}
