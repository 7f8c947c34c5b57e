import type { Dtype } from "@bn/core";
import type { Needs } from "../../case.ts";

/**
 * Powers of two that ordinary operands are multiplied with. Kernels commute with them as long as nothing overflows or
 * underflows, so that the ordinary truth, multiplied likewise, is the truth of the extreme operands.
 */
export interface Magnitude {
  readonly name: string;
  readonly needs: Needs;
  /** The exponent of x and its mean. */
  readonly x: number;
  /** The exponent of x^: 0 where the variance is that of x, else variance and eps have twice (x - xhat). */
  readonly xhat: number;
  /** The exponent of dy. */
  readonly dy: number;
  /** The exponent of gamma; beta has gamma + xhat. */
  readonly gamma: number;
  /** x and mean lie on either side of 0, 10 apart or nothing: their difference may be beyond the dtype. */
  readonly apart?: true;
  /** All of dy have one sign: their sum is beyond the dtype although sum / m is not. */
  readonly sameSign?: true;
}

const SUBNORMALS: Needs = { subnormals: true };
/** A sum of dy or dy x^ may be infinite in memory; dx of `backward` need follow the sums before that only here. */
const UNROUNDED: Needs = { nonFinite: true, correctlyRounded: true };

function of(name: string, given: Partial<Omit<Magnitude, "name" | "needs">>, needs: Needs = {}): Magnitude {
  return { name, needs, x: 0, xhat: 0, dy: 0, gamma: 0, ...given };
}

/** What overflows or underflows on the way, though the result does not, in a kernel that does not look. */
export const MAGNITUDES: Readonly<Record<Dtype, readonly Magnitude[]>> = {
  float32: [
    of("sums of squares overflow", { x: 61 }),
    of("squares overflow", { x: 63 }),
    of("x - mean overflows", { x: 125, xhat: 62, apart: true }),
    of("sums of dy overflow", { dy: 124, gamma: -6 }, UNROUNDED),
    of("sums of dy are infinite", { dy: 124, gamma: -6, sameSign: true }, UNROUNDED),
    of("gamma r overflows", { x: -58, gamma: 100, dy: -58 }),
    of("gamma r underflows", { x: 60, gamma: -90, dy: 40 }, SUBNORMALS),
    of("r sum dy x^ underflows", { x: 60, gamma: 60, dy: -72 }, SUBNORMALS),
    of("r sum dy x^ overflows", { x: -58, gamma: -80, dy: 80 }),
    of("dy x overflows", { x: 61, dy: 66 }),
    of("dy x underflows", { x: -60, dy: -80 }, SUBNORMALS),
    of("x^ is subnormal, dy is large", { x: -100, xhat: -140, dy: 60, gamma: 60 }, SUBNORMALS),
    of("beta is near the largest", { gamma: 123 }),
    of("x is subnormal", { x: -138 }, SUBNORMALS),
    of("variance is subnormal", { x: -67, dy: -20 }, SUBNORMALS),
  ],
  float64: [
    of("sums of squares overflow", { x: 509 }),
    of("squares overflow", { x: 511 }),
    of("x - mean overflows", { x: 1021, xhat: 510, apart: true }),
    of("sums of dy overflow", { dy: 1020, gamma: -6 }, UNROUNDED),
    of("sums of dy are infinite", { dy: 1020, gamma: -6, sameSign: true }, UNROUNDED),
    of("gamma r overflows", { x: -500, gamma: 900, dy: -500 }),
    of("gamma r underflows", { x: 500, gamma: -800, dy: 300 }, SUBNORMALS),
    of("r sum dy x^ underflows", { x: 500, gamma: 500, dy: -560 }, SUBNORMALS),
    of("r sum dy x^ overflows", { x: -500, gamma: -800, dy: 700 }),
    of("dy x overflows", { x: 500, dy: 700, gamma: -300 }),
    of("dy x underflows", { x: -520, dy: -560 }, SUBNORMALS),
    of("x^ is subnormal, dy is large", { x: -900, xhat: -1020, dy: 500, gamma: 500 }, SUBNORMALS),
    of("beta is near the largest", { gamma: 1019 }),
    of("x is subnormal", { x: -1060 }, SUBNORMALS),
    of("variance is subnormal", { x: -525, dy: -20 }, SUBNORMALS),
  ],
};
