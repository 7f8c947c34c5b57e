/** One thing to time; `run` may queue work only if it returns a promise of its end. */
export interface Timed {
  run(): void | Promise<void>;
}

export interface Timing {
  readonly medianMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/** A neighbour's tensors leave the shared cache slowly: some ten runs pass before a run of 3 ms stops getting faster. */
const WARM_MS = 150;
const WARM_RUNS = 40;

/**
 * Times all of `candidates` in turn, A B C A B C ..., so that a drift of the machine's speed hits them alike. Before each
 * sample the candidate runs untimed until its own tensors are back in the caches, as in a loop of its own; a sample repeats a
 * short run until it lasts `sampleMs`, since a clock's tick is not far from a small layer's time.
 */
export async function timeInterleaved(
  candidates: readonly Timed[],
  { rounds = 9, sampleMs = 12 }: { rounds?: number; sampleMs?: number } = {},
): Promise<Timing[]> {
  const samples: number[][] = candidates.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, candidate] of candidates.entries()) {
      const once = await warm(candidate);
      const repeats = Math.max(1, Math.ceil(sampleMs / once));
      (samples[i] as number[]).push(await sample(candidate, repeats));
    }
  }
  return samples.map((list) => {
    list.sort((a, b) => a - b);
    return {
      medianMs: list[list.length >> 1] as number,
      minMs: list[0] as number,
      maxMs: list[list.length - 1] as number,
    };
  });
}

/** Untimed runs; what one took at the end, in milliseconds. */
async function warm(candidate: Timed): Promise<number> {
  const start = performance.now();
  let last = 0;
  for (let run = 0; run < WARM_RUNS && (run === 0 || performance.now() - start < WARM_MS); run++) {
    last = await sample(candidate, 1);
  }
  // Many more of a run that the clock can hardly see: the optimizing compiler wants to have seen it, too.
  return last < 0.2 ? sample(candidate, Math.ceil(1 / Math.max(last, 1e-3))) : last;
}

/** Milliseconds a run, over `repeats` runs. */
async function sample({ run }: Timed, repeats: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < repeats; i++) {
    const pending = run();
    if (pending) await pending;
  }
  return (performance.now() - start) / repeats;
}
