import type { Kernels } from "@bn/core";
import type { Storage } from "../buffer.ts";
import type { Device } from "../device.ts";
import { backward } from "./backward.ts";
import { copy } from "./copy.ts";
import { fill } from "./fill.ts";
import { forward } from "./forward.ts";
import { globalStats } from "./global-stats.ts";
import { gradNormalize } from "./grad-normalize.ts";
import { gradSums } from "./grad-sums.ts";
import { moments } from "./moments.ts";
import { movingAverage } from "./moving-average.ts";
import { normalize } from "./normalize.ts";
import { scale } from "./scale.ts";
import { scaleSums } from "./scale-sums.ts";

/** The contract's kernels on one device. */
export function kernelsOn(device: Device): Kernels<Storage> {
  return {
    moments: (x, g, out) => moments(device, x, g, out, null),
    splitMoments: (x, g, out) => moments(device, x, g, out, null),
    normalize: (...operands) => normalize(device, ...operands),
    gradSums: (...operands) => gradSums(device, ...operands),
    gradNormalize: (...operands) => gradNormalize(device, ...operands),
    forward: (...operands) => forward(device, ...operands),
    backward: (...operands) => backward(device, ...operands),
    scale: (...operands) => scale(device, ...operands),
    scaleSums: (...operands) => scaleSums(device, ...operands),
    movingAverage: (...operands) => movingAverage(device, ...operands),
    globalStats: (...operands) => globalStats(device, ...operands),
    copy: (...operands) => copy(device, ...operands),
    fill: (...operands) => fill(device, ...operands),
  };
}
