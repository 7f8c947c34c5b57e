/** One thing to time; `run` may queue work only if it returns a promise of its end. */
export interface Timed {
  run(): void | Promise<void>;
}

export interface Timing {
  readonly medianMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * Times all of `candidates` in turn, A B C A B C ..., so that a drift of the machine's speed hits them alike. A sample
 * repeats a short run until it lasts `sampleMs`, since a clock's tick is not far from a small layer's time, after a run
 * that is not timed: it brings the candidate's own tensors back to where its neighbour's have driven them out of.
 */
export async function timeInterleaved(
  candidates: readonly Timed[],
  { rounds = 15, sampleMs = 8 }: { rounds?: number; sampleMs?: number } = {},
): Promise<Timing[]> {
  const repeats: number[] = [];
  for (const candidate of candidates) {
    await sample(candidate, 3); // the optimizing compiler needs to have seen it
    const once = await sample(candidate, 3);
    const wanted = Math.max(1, Math.ceil(sampleMs / Math.max(once, 1e-4)));
    await sample(candidate, wanted);
    repeats.push(wanted);
  }
  const samples: number[][] = candidates.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, candidate] of candidates.entries()) {
      await sample(candidate, 1);
      (samples[i] as number[]).push(await sample(candidate, repeats[i] as number));
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

/** Milliseconds a run, over `repeats` runs. */
async function sample({ run }: Timed, repeats: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < repeats; i++) {
    const pending = run();
    if (pending) await pending;
  }
  return (performance.now() - start) / repeats;
}
