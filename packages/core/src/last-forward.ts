import type { Geometry } from "./backend.ts";
import type { Blob } from "./blob.ts";
import type { Fail } from "./layer.ts";
import { shapeText } from "./shape.ts";

/** What backward needs to know of the forward before it. */
export interface LastForward {
  readonly geometry: Geometry;
  readonly inPlace: boolean;
}

export const NO_GEOMETRY: Geometry = { outer: 0, channels: 0, inner: 0 };

export function sameGeometry(a: Geometry, b: Geometry): boolean {
  return a.outer === b.outer && a.channels === b.channels && a.inner === b.inner;
}

/** Backward continues the last forward: same geometry, same blobs in place or not (spec L-5). */
export function checkLastForward(
  fail: Fail,
  last: LastForward | null,
  geometry: Geometry,
  inPlace: boolean,
  x: Blob,
  y: Blob,
): void {
  if (last === null) {
    fail("backward", "no forward came before it; call forward() first", "ERR_BN_STATE");
  }
  if (last.inPlace !== inPlace) {
    const was = last.inPlace ? "in place" : "out of place";
    fail("backward", `forward ran ${was}; pass the same bottom and top`, "ERR_BN_STATE");
  }
  if (!sameGeometry(geometry, last.geometry) || y.count() !== x.count()) {
    const got = `bottom[0] has shape ${shapeText(x.shape)}, top[0] ${shapeText(y.shape)}`;
    fail("backward", `${got}, not what forward saw; call forward() again`, "ERR_BN_STATE");
  }
}
