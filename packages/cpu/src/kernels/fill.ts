import type { HostArray } from "@bn/core";

/** y = value, rounded to the dtype (K-9). */
export function fill(length: number, value: number, y: HostArray): void {
  y.fill(value, 0, length);
}
