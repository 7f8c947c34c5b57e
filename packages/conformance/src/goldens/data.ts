import { BnError } from "@bn/core";
import type { Case, Comparison } from "../case.ts";
import { compare } from "../truth/compare.ts";
import type { Truth } from "../truth/truth.ts";
import { sameBits } from "./bits.ts";
import { rightValues } from "./exceptions.ts";
import type { Golden } from "./golden.ts";
import { inputsOf, type Output, outputsOf } from "./outputs.ts";
import { recomputed } from "./recompute.ts";
import type { GoldenCase } from "./types.ts";

/**
 * A check of the golden data itself, without a backend (G-6). Every value must be within Caffe's possible error of the
 * oracle's value. Results that Caffe computes without sums are recomputed in Caffe's order of operations and must agree
 * bit for bit. Every tensor must equal its original, if there is one.
 */
export function dataCase(golden: Golden, originals: ReadonlyMap<string, GoldenCase> | null): Case {
  const { one } = golden;
  return {
    id: `goldens/${one.name}#data`,
    group: "golden data",
    clause: "G-6",
    needs: {},
    async run() {
      const comparisons = [...nearOracle(golden), ...recomputed(one, golden.outputs)];
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

function nearOracle({ one, outputs, caffe }: Golden): Comparison[] {
  return outputs.map((output, i) => {
    const { expected, bound } = caffe[i] as Truth;
    const { values, note } = rightValues(one, output, caffe[i] as Truth);
    return compare(`${output.what}, Caffe against the oracle`, values, expected, bound, output.geometry, note);
  });
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
