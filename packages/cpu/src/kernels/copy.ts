import type { HostArray } from "@bn/core";

/** y = x, bit for bit (K-9). */
export function copy(length: number, x: HostArray, y: HostArray): void {
  y.set(x.subarray(0, length));
}
