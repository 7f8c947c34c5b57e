import type { Geometry } from "@bn/core";
import { JOB } from "./layout.ts";

/** The indices of the job's two tables, in the order of the fields in assembly/job.ts. */
export const NUMBER = { eps: 0, m: 1, value: 2, fraction: 3, correction: 4 } as const;
export const WORD = {
  ...{ length: 0, outer: 1, channels: 2, inner: 3 },
  ...{ x: 4, dy: 5, y: 6, mean: 7, meanLow: 8, variance: 9, m2: 10, gamma: 11, beta: 12 },
  ...{ sumDy: 13, sumDyXhat: 14, gradGamma: 15, gradBeta: 16, runningMean: 17, runningVariance: 18, factor: 19 },
} as const;

const NUMBERS = Object.keys(NUMBER).length;
const WORDS = Object.keys(WORD).length;

/** The operands of the next call, written to where kernels read them: sizes, and addresses, with 0 for no buffer. */
export class Job {
  readonly #memory: WebAssembly.Memory;
  words = new Uint32Array();
  numbers = new Float64Array();

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  /** Clears the operands and returns the words. */
  open(): Uint32Array {
    if (this.words.length === 0) this.#look();
    return this.words.fill(0);
  }

  openOn({ outer, channels, inner }: Geometry): Uint32Array {
    const words = this.open();
    words[WORD.outer] = outer;
    words[WORD.channels] = channels;
    words[WORD.inner] = inner;
    return words;
  }

  /** Growth of unshared memory detaches the last views, whose length is then 0. */
  #look(): void {
    const { buffer } = this.#memory;
    this.numbers = new Float64Array(buffer, JOB, NUMBERS);
    this.words = new Uint32Array(buffer, JOB + 8 * NUMBERS, WORDS);
  }
}
