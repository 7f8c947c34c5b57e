import { create, isFieldSet } from "@bufbuild/protobuf";
import type { CaffeFile } from "../file.ts";
import type { NetworkLayer } from "../net/network.ts";
import { BatchNormParameterSchema } from "../schema/caffe_pb.ts";
import type { Dialect } from "./dialect.ts";
import { textAt } from "./text-fields.ts";

/** The parameters of a BatchNorm layer, with defaults filled in. */
export interface NormConstants {
  readonly eps: number;
  readonly movingAverageFraction: number;
  readonly useGlobalStats: boolean | null;
  /** Notes, in words, on values that were assumed or changed. */
  readonly notes: readonly (readonly ["assumed" | "converted", string])[];
}

/** cuDNN accepts no smaller eps, and NVIDIA's fork raises every eps to this value. */
const LEAST_EPS = Math.fround(1e-5);

export function normConstants({ param }: NetworkLayer, net: CaffeFile, dialect: Dialect): NormConstants {
  const own = param.batchNormParam ?? create(BatchNormParameterSchema);
  const says = isFieldSet(own, BatchNormParameterSchema.field.useGlobalStats);
  const useGlobalStats = says ? own.useGlobalStats : null;
  const fraction = own.movingAverageFraction;
  if (dialect === "bn-inverse-std") {
    const what = "its fourth blob is 1 / sqrt(variance + eps): variance is 1 / blob^2 to one rounding, and eps 0";
    return {
      eps: 0,
      movingAverageFraction: fnum(net, param, "momentum", 0.9),
      useGlobalStats,
      notes: [["converted", what]],
    };
  }
  if (dialect === "bn-variance") {
    const eps = textAt(net, param, ["bn_param", "eps"]);
    const notes =
      eps === null
        ? [["assumed", "bn_param has no readable eps; 1e-5 is used, the default of the forks"] as const]
        : [];
    return {
      eps: fnum(net, param, "eps", 1e-5),
      movingAverageFraction: fnum(net, param, "momentum", 0.9),
      useGlobalStats,
      notes,
    };
  }
  if (dialect === "mean-first" && own.eps < LEAST_EPS) {
    const what = `eps is ${own.eps}, and 1e-5 is used, the minimum in NVIDIA's Caffe`;
    return { eps: LEAST_EPS, movingAverageFraction: fraction, useGlobalStats, notes: [["converted", what]] };
  }
  return { eps: own.eps, movingAverageFraction: fraction, useGlobalStats, notes: [] };
}

/** A number of bn_param, which Caffe's schema does not have. */
function fnum(net: CaffeFile, param: NetworkLayer["param"], name: string, absent: number): number {
  const text = textAt(net, param, ["bn_param", name]);
  const value = Number(text?.replace(/f$/i, "") ?? absent);
  return Math.fround(Number.isNaN(value) ? absent : value);
}
