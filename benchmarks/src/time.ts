/** Something to time. `run` may queue work only if it returns a promise that resolves at its end. */
export interface Timed {
  run(): void | Promise<void>;
  /** Milliseconds that `repeats` runs take by another clock than the wall's. */
  readonly clocked?: ((repeats: number) => Promise<number>) | undefined;
  /** Whether the machine is at this moment in a state in which a sample means nothing. */
  readonly isDisturbed?: (() => boolean) | undefined;
}

export interface Timing {
  readonly medianMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  /** The number of samples that were disturbed, even when they were taken again. */
  readonly disturbed: number;
}

/**
 * The tensors of the previous candidate leave the shared cache slowly: a run of 3 ms becomes faster for some ten runs.
 */
const WARM_MS = 150;
const WARM_RUNS = 40;
/** A sample that was disturbed is taken again, at most so many times. */
const RETRIES = 5;

/**
 * Times all `candidates` in turn, A B C A B C ..., so that a change of the machine's speed affects them alike. Before
 * each sample the candidate runs untimed until its own tensors are in the caches, as in a loop of its own. A sample
 * repeats a short run until it lasts `sampleMs`, because the clock's resolution is not much finer than the time of a
 * small layer.
 */
export async function timeInterleaved(
  candidates: readonly Timed[],
  { rounds = 9, sampleMs = 12 }: { rounds?: number; sampleMs?: number } = {},
): Promise<Timing[]> {
  const samples: Sample[][] = candidates.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, candidate] of candidates.entries()) {
      (samples[i] as Sample[]).push(await warmSample(candidate, sampleMs));
    }
  }
  return samples.map((all) => {
    const list = all.map(({ ms }) => ms).sort((a, b) => a - b);
    return {
      disturbed: all.filter(({ disturbed }) => disturbed).length,
      medianMs: list[list.length >> 1] as number,
      minMs: list[0] as number,
      maxMs: list[list.length - 1] as number,
    };
  });
}

interface Sample {
  readonly ms: number;
  readonly disturbed: boolean;
}

async function warmSample(candidate: Timed, sampleMs: number): Promise<Sample> {
  const isDisturbed = () => candidate.isDisturbed?.() ?? false;
  for (let tries = 0; ; tries++) {
    const once = await warm(candidate);
    const repeats = Math.max(1, Math.ceil(sampleMs / once));
    const before = isDisturbed();
    const ms = await sample(candidate, repeats);
    const disturbed = before || isDisturbed();
    if (!disturbed || tries === RETRIES) return { ms, disturbed };
  }
}

/** Runs without timing. Returns the milliseconds that the last run took. */
async function warm(candidate: Timed): Promise<number> {
  const start = performance.now();
  let last = 0;
  for (let run = 0; run < WARM_RUNS && (run === 0 || performance.now() - start < WARM_MS); run++) {
    last = await sample(candidate, 1);
  }
  // Very short runs are repeated many more times, so that the optimizing compiler has seen them too.
  return last < 0.2 ? sample(candidate, Math.ceil(1 / Math.max(last, 1e-3))) : last;
}

/** Milliseconds per run, over `repeats` runs. */
async function sample({ run, clocked }: Timed, repeats: number): Promise<number> {
  if (clocked) return (await clocked(repeats)) / repeats;
  const start = performance.now();
  for (let i = 0; i < repeats; i++) {
    const pending = run();
    if (pending) await pending;
  }
  return (performance.now() - start) / repeats;
}
