import type { OptionRule } from "./options.ts";

/** Caffe's FillerParameter, type constant. A filler that is present but empty fills with 0, as in Caffe. */
export interface Filler {
  type?: "constant";
  value?: number;
}

export const FILLER: OptionRule = {
  expected: 'an object like { type: "constant", value: 1 }',
  test: () => true,
  fields: {
    type: {
      expected: '"constant"; write() other values to blobs after setUp',
      test: (value) => value === "constant",
    },
    value: { expected: "a finite float32", test: isFloat32 },
  },
};

/** Whether a number is finite as a float32, as protobuf's floats are. */
export function isFloat32(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(Math.fround(value));
}

/** The value of `filler`, or `absent` if there is no filler. */
export function fillerValue(filler: Filler | undefined, absent: number): number {
  return filler === undefined ? absent : (filler.value ?? 0);
}
