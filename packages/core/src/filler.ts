import type { Blob } from "./blob.ts";
import type { Fail } from "./layer.ts";

/** Caffe's FillerParameter, type constant. A filler that is present but empty fills with 0, as in Caffe. */
export interface Filler {
  type?: "constant";
  value?: number;
}

/** The value that `filler` stands for, or `absent` where there is none. */
export function fillerValue(fail: Fail, name: string, filler: Filler | undefined, absent: number): number {
  if (filler === undefined) return absent;
  const { type = "constant", value = 0 } = filler;
  if (type !== "constant") {
    fail(
      "create",
      `${name}.type is "${type}", expected "constant"; write() other values to blobs after setUp`,
      "ERR_BN_PARAM",
    );
  }
  if (!Number.isFinite(value)) {
    fail("create", `${name}.value is ${value}, expected a finite number`, "ERR_BN_PARAM");
  }
  return value;
}

/** Sets the whole of `blob.data`; zero is what memory starts with. */
export function fillBlob(blob: Blob, value: number): void {
  if (value !== 0) blob.backend.kernels.fill(blob.count(), value, blob.data);
}
