/** Generated from float32/index.ts by test/twins.test.ts, which proves it current. */
import type { ArrayKernels } from "../array-kernels.ts";
import { backward } from "./backward.ts";
import { forward } from "./forward.ts";
import { globalStats } from "./global-stats.ts";
import { gradNormalize } from "./grad-normalize.ts";
import { gradSums } from "./grad-sums.ts";
import { moments, splitMoments } from "./moments.ts";
import { movingAverage } from "./moving-average.ts";
import { normalize } from "./normalize.ts";
import { scale } from "./scale.ts";
import { scaleSums } from "./scale-sums.ts";

export const float64: ArrayKernels<Float64Array> = {
  backward,
  forward,
  globalStats,
  gradNormalize,
  gradSums,
  moments,
  movingAverage,
  normalize,
  scale,
  scaleSums,
  splitMoments,
};
