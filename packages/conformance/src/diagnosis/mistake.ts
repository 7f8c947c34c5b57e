import type { KernelName } from "./call.ts";
import { type Formulas, RIGHT } from "./reference.ts";

/** One way to be wrong: its name, what it is in words (after "as if"), and the formulas of who makes it. */
export interface Mistake {
  readonly key: string;
  readonly text: string;
  readonly formulas: Formulas;
  /** Kernels where it is another mistake or none. */
  readonly not?: readonly KernelName[];
}

export const mistake = (key: string, text: string, part: Partial<Formulas>): Mistake => ({
  key,
  text,
  formulas: { ...RIGHT, ...part },
});
