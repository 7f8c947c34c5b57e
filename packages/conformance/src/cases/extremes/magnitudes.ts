import type { Dtype } from "@bn/core";
import type { Needs } from "../../case.ts";

/**
 * Powers of two that ordinary operands are multiplied by. Kernels commute with these factors as long as nothing
 * overflows or underflows. The ordinary truth, multiplied accordingly, is therefore the truth for the extreme operands.
 */
export interface Magnitude {
  readonly name: string;
  readonly needs: Needs;
  /** The exponent for x and its mean. */
  readonly x: number;
  /**
   * The exponent for x^. It is 0 if the variance is that of x; otherwise variance and eps have the exponent 2 (x -
   * xhat).
   */
  readonly xhat: number;
  /** The exponent for dy. */
  readonly dy: number;
  /** The exponent for gamma. The exponent for beta is gamma + xhat. */
  readonly gamma: number;
  /** x and mean lie on opposite sides of 0, so that their difference may be beyond the dtype's range. */
  readonly apart?: true;
  /** All values of dy have the same sign: their sum is beyond the dtype's range although sum / m is not. */
  readonly sameSign?: true;
}

const SUBNORMALS: Needs = { subnormals: true };
/**
 * A sum of dy or dy x^ may be infinite once it is stored. Only backends with these facts must compute dx of `backward`
 * from the sums before they are stored.
 */
const UNROUNDED: Needs = { nonFinite: true, correctlyRounded: true };

function of(name: string, given: Partial<Omit<Magnitude, "name" | "needs">>, needs: Needs = {}): Magnitude {
  return { name, needs, x: 0, xhat: 0, dy: 0, gamma: 0, ...given };
}

/** Operands for which a kernel without special care would overflow or underflow, although the result does not. */
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
