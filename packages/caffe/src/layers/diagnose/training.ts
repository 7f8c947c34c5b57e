import { create } from "@bufbuild/protobuf";
import type { CaffeFile } from "../../file.ts";
import type { Network, NetworkLayer } from "../../net/network.ts";
import { BatchNormParameterSchema } from "../../schema/caffe_pb.ts";

const FIELDS = [
  ["eps", "eps"],
  ["movingAverageFraction", "moving_average_fraction"],
] as const;

/**
 * Differences between the parameters of a BatchNorm in the net and in the network that trained the weights, which is
 * stored with them.
 */
export function trainingSuspicions({ param, name }: NetworkLayer, { net, weights }: Network): string[] {
  const stored = weights && weights !== net ? weights.message.layer.find((layer) => layer.name === name) : undefined;
  if (stored?.type !== "BatchNorm" || param.type !== "BatchNorm") return [];
  const [own, trained] = [param, stored].map(
    ({ batchNormParam }) => batchNormParam ?? create(BatchNormParameterSchema),
  );
  if (!own || !trained) return [];
  return FIELDS.flatMap(([key, label]) =>
    own[key] === trained[key]
      ? []
      : [`${label} is ${short(own[key])}, and ${short(trained[key])} where the weights were trained`],
  );
}

function short(value: number): string {
  return String(Number(value.toPrecision(7)));
}

/**
 * ParamSpecs of a BatchNorm that would train its statistics. They are read as the file has them, before Caffe's
 * upgrade.
 */
export function frozenSuspicions({ name, param }: NetworkLayer, file: CaffeFile): string[] {
  if (param.type !== "BatchNorm") return [];
  const specs = file.message.layer.find((layer) => layer.name === name && layer.type === "BatchNorm")?.param ?? [];
  const at = specs.slice(0, 3).findIndex(({ lrMult }) => lrMult !== 0);
  if (at < 0) return [];
  const what = `param ${at} has lr_mult ${specs[at]?.lrMult}, but statistics are not learned by gradients, so it must be 0`;
  return [
    specs.length === 3
      ? `${what}; Caffe treats all three as 0`
      : `${what}: with ${specs.length} of them Caffe refuses the net`,
  ];
}
