import { BnError } from "@bn/core";
import type { Case, Comparison } from "../case.ts";
import { sameBits } from "./bits.ts";
import { inputsOf, type Output, outputsOf } from "./outputs.ts";
import { recomputed } from "./recompute.ts";
import type { GoldenCase } from "./types.ts";

/**
 * A check of the golden data itself, without a backend (G-6): what Caffe computes without sums is recomputed in its own
 * order of operations and must agree to the bit; and every tensor must equal its original, where there is one.
 */
export function dataCase(one: GoldenCase, originals: ReadonlyMap<string, GoldenCase> | null): Case {
  return {
    id: `goldens/${one.name}#data`,
    group: "golden data",
    clause: "G-6",
    needs: {},
    async run() {
      const outputs = outputsOf(one);
      const comparisons = recomputed(one, outputs);
      if (originals === null) return comparisons;
      const original = originals.get(one.name);
      if (!original) {
        const what = "says that it belongs to the set shipped with @bn/conformance, which has no such case";
        throw new BnError("ERR_BN_DATA", `goldens case "${one.name}": ${what}; give the set another name or seed`);
      }
      return [...comparisons, ...identical(all(one), all(original), one.name)];
    },
  };
}

type Named = Pick<Output, "what" | "tensor"> & Partial<Pick<Output, "geometry">>;

function all(one: GoldenCase): Named[] {
  return [...inputsOf(one), ...outputsOf(one)];
}

function identical(own: readonly Named[], original: readonly Named[], name: string): Comparison[] {
  const shape = ({ what, tensor }: Named) => `${what} ${tensor.shape.join("x")}`;
  if (own.length !== original.length || own.some((one, i) => shape(one) !== shape(original[i] as Named))) {
    const what = "has other tensors than the case of that name in the set shipped with @bn/conformance";
    throw new BnError("ERR_BN_DATA", `goldens case "${name}": ${what}; give the set another name or seed`);
  }
  return own.map(({ what, tensor, geometry }, i) => {
    const expected = (original[i] as Named).tensor.data;
    return sameBits(`${what}, shipped data`, tensor.data, expected, geometry, false);
  });
}
