import { BACKEND, type Commands, FORCE, HTML, JSON_FILE } from "./command.ts";
import type { ConformanceOptions } from "./conformance-options.ts";
import type { DiffOptions } from "./diff-command.ts";
import type { ReportOptions } from "./files.ts";

/** The commands about backends and the conformance suite. */
export const SUITE_COMMANDS: Commands = {
  backends: {
    description: "list the backends: which are available, what each supports, and why others are not available",
    options: { ...JSON_FILE, ...FORCE },
    exitCodes: ["the backends are listed", ""],
    run: async (_, options: ReportOptions) => (await import("./backends-command.ts")).backendsCommand(options),
  },
  conformance: {
    description: "run the conformance suite",
    options: {
      ...BACKEND,
      "--goldens <dir>": "run only the golden cases of this folder",
      "--filter <id>": "only cases whose id contains this text; with * or ?, matches it as a pattern",
      "--quick": "run fewer sizes, for a quick check while you change a kernel",
      "--full": "run all sizes",
      "--seed <text>": "seed for the random sizes (default: 1)",
      "--timeout <seconds>": "time limit for creating the backend, and for each case (default: 60)",
      "--max-memory <mib>": "memory limit of each backend's process (default: half of the memory, at most 8192)",
      "--jobs <n>":
        "processes per backend, side by side (default: the number of processors, at most 4, for long runs of cpu and wasm; else 1)",
      "--bail [count]": "stop after this many failures (without a number: 1)",
      "--shard <i/n>": "run only part I of N of the cases; `bn merge` joins the reports",
      "--baseline <file>": "a JSON report with known failures: only other failures fail the run",
      ...JSON_FILE,
      ...HTML,
      "--junit <file>": "write the report as JUnit's XML",
      "--github": "print annotations for GitHub Actions to standard error (default: if GITHUB_ACTIONS is true)",
      ...FORCE,
    },
    help: `
The default export of a module (or its export \`createBackend\`) is a function that returns a backend, or a promise of one.
FILE may be - for standard output; the table then goes to standard error. Each backend runs in a process of its own: if it
exits, crashes, hangs or runs out of memory, the case has failed, and a new process continues with the next case.

Examples:
  bn conformance --backend ./dist/my-backend.js --html report.html
  bn conformance --backend ./dist/my-backend.js --baseline known.json --bail 3
  bn conformance --goldens ./my-goldens --json report.json`,
    exitCodes: ["every case that ran passed", "a case failed or was not run"],
    run: async (_, options: ConformanceOptions, signal) =>
      (await import("./conformance-command.ts")).conformanceCommand(options, signal),
  },
  diff: {
    description: "compare two JSON reports: new failures, fixed cases, larger errors; exit 1 if there is a new failure",
    arguments: { "<old.json>": "the report of the earlier run", "<new.json>": "the report of the new run" },
    options: {
      "--backend <old=new>": "compare one backend of the old run with one of the new, such as cpu=wasm",
      ...JSON_FILE,
      ...FORCE,
    },
    exitCodes: ["no new failure", "a new failure"],
    run: async ([old, now]: [string, string], options: DiffOptions) =>
      (await import("./diff-command.ts")).diffCommand(old, now, options),
  },
  merge: {
    description: "join the JSON reports of all shards of one run",
    arguments: {
      "<out.json>": "the file to write; - is standard output",
      "<shard.json...>": "the reports that `bn conformance --shard I/N --json` wrote, one per I",
    },
    options: { ...FORCE },
    exitCodes: ["the joined run has no failure", "it has a failure"],
    run: async ([out, ...shards]: [string, ...string[]], options: ReportOptions) =>
      (await import("./merge-command.ts")).mergeCommand(out, shards, options.force),
  },
};
