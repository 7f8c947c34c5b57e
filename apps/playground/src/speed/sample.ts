import type { Prepared } from "./contenders.ts";

export interface Repeated {
  /** The number of calls per sample. */
  calls: number;
}

/** A sample consists of as many calls as take this long at least, which is many steps of any browser's clock. */
const MS_SAMPLE = 4;

/** Milliseconds per call. The number of calls per sample is doubled until they take long enough. */
export async function sample(one: Repeated, { run }: Pick<Prepared, "run">): Promise<number> {
  for (; ; one.calls *= 2) {
    const begun = performance.now();
    for (let i = 0; i < one.calls; i++) await run();
    const total = performance.now() - begun;
    if (total >= MS_SAMPLE) return total / one.calls;
  }
}
