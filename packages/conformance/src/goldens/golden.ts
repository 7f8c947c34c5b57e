import { caffePrecision } from "../truth/bounds.ts";
import type { Truth } from "../truth/truth.ts";
import { type Output, outputsOf } from "./outputs.ts";
import { replay } from "./replay.ts";
import type { GoldenCase } from "./types.ts";

/** A case together with the results that do not depend on a backend. */
export interface Golden {
  readonly one: GoldenCase;
  readonly outputs: readonly Output[];
  /** The truth, with the largest error that Caffe may have made. */
  readonly caffe: readonly Truth[];
}

/** Computes each part when it is first used, and only once. */
export function goldenOf(one: GoldenCase): Golden {
  let [outputs, truths]: [Output[]?, Truth[]?] = [];
  return {
    one,
    get outputs() {
      outputs ??= outputsOf(one);
      return outputs;
    },
    get caffe() {
      truths ??= replay(one, this.outputs, caffePrecision(one.dtype));
      return truths;
    },
  };
}
