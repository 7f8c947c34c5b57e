import type { Tensor } from "./reference/bounded.ts";

const LARGEST = 3.4028234663852886e38;

/** The largest error as a fraction of its bound, and its position. A bound of 0 requires the exact value. */
export function worstRatio(got: ArrayLike<number>, expected: Tensor): { ratio: number; text: string } {
  if (got.length !== expected.value.length || got.length === 0) {
    return { ratio: Number.POSITIVE_INFINITY, text: `${got.length} values, expected ${expected.value.length}` };
  }
  let worst = { ratio: 0, text: "" };
  for (let i = 0; i < got.length; i++) {
    const [have, want] = [got[i] as number, expected.value[i] as number];
    const allowed = expected.error[i] as number;
    // The value is infinite beyond the largest float32.
    const overflows = Math.abs(want) + allowed > LARGEST && have === Math.sign(want) * Number.POSITIVE_INFINITY;
    const error = Object.is(have, want) || have === want || overflows ? 0 : Math.abs(have - want);
    const ratio = error === 0 ? 0 : Number.isNaN(error) ? Number.POSITIVE_INFINITY : error / allowed;
    if (ratio > worst.ratio) worst = { ratio, text: `at ${i}: got ${have}, expected ${want}, allowed ${allowed}` };
  }
  return worst;
}
