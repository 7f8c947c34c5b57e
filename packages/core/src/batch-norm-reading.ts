import type { Dtype, Geometry, HostArray } from "./backend.ts";
import type { Blob } from "./blob.ts";
import { BnError } from "./errors.ts";
import { newHostArray } from "./host-values.ts";
import { canonicalAxis, geometryOf, type Shape } from "./shape.ts";

/** [outer][channels][inner] of a bottom; a bottom with a single axis has one channel (BN-1). */
export function batchNormGeometry(where: string, shape: Shape, axis: number): Geometry {
  if (shape.length === 0) {
    throw new BnError(
      "ERR_BN_SHAPE",
      `${where}: bottom[0] has no axes (a scalar), expected at least 1 axis; reshape it to [1]`,
    );
  }
  const oneChannel = shape.length === 1 && axis === 1;
  const at = oneChannel ? 1 : canonicalAxis(where, shape, axis);
  return geometryOf(oneChannel ? [...shape, 1] : shape, at, at + 1);
}

/** Divides the stored sums by their weight, rounded as the kernel globalStats rounds (BN-6). */
export function readStored(dtype: Dtype, sums: Blob, weight: Blob): Promise<HostArray> {
  return Promise.all([sums.read(), weight.read()]).then(([sum, [factor = 0]]) => {
    const reciprocal = newHostArray(dtype, 1);
    reciprocal[0] = factor === 0 ? 0 : 1 / factor;
    const values = newHostArray(dtype, sum.length);
    for (let c = 0; c < values.length; c++) values[c] = (sum[c] as number) * (reciprocal[0] as number);
    return values;
  });
}
