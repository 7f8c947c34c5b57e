import type { KernelName } from "./call.ts";
import { type Formulas, RIGHT } from "./reference.ts";

/**
 * One mistake: its name, its description in words (after "as if"), and the formulas that a backend with this mistake
 * computes.
 */
export interface Mistake {
  readonly key: string;
  readonly text: string;
  readonly formulas: Formulas;
  /** Kernels for which it is another mistake or none. */
  readonly not?: readonly KernelName[];
}

export const mistake = (key: string, text: string, part: Partial<Formulas>): Mistake => ({
  key,
  text,
  formulas: { ...RIGHT, ...part },
});
