import type { OptionRule } from "../options.ts";

/** How long a call of a communicator waits for the other ranks, in ms. */
export const TIMEOUT: OptionRule = {
  expected: "milliseconds, a number above 0 and below 2^31",
  test: (value) => typeof value === "number" && value > 0 && value < 2 ** 31,
};
