import { isFieldSet } from "@bufbuild/protobuf";
import { bad } from "../file.ts";
import { type LayerParameter, type NetStateRule, NetStateRuleSchema, Phase } from "../schema/caffe_pb.ts";

/** The state that a net is built for: Caffe's NetState. */
export interface NetStateOptions {
  /** Default "test". */
  readonly phase?: "train" | "test";
  /** Default 0. */
  readonly level?: number | undefined;
  /** Default none. */
  readonly stages?: readonly string[] | undefined;
}

/**
 * Whether a layer belongs to the net in this state: it has an include rule that matches, or no exclude rule that does.
 */
export function isIncluded(
  layer: LayerParameter,
  state: NetStateOptions,
  file: string,
  place: string | undefined,
): boolean {
  const { include, exclude, name } = layer;
  if (include.length > 0 && exclude.length > 0) {
    throw bad(file, place, `layer "${name}" has include and exclude rules, expected only one kind, as in Caffe`);
  }
  if (include.length > 0) return include.some((rule) => meets(rule, state));
  return !exclude.some((rule) => meets(rule, state));
}

function meets(rule: NetStateRule, { phase = "test", level = 0, stages = [] }: NetStateOptions): boolean {
  const has = (name: keyof typeof NetStateRuleSchema.field) => isFieldSet(rule, NetStateRuleSchema.field[name]);
  if (has("phase") && rule.phase !== (phase === "test" ? Phase.TEST : Phase.TRAIN)) return false;
  if (has("minLevel") && level < rule.minLevel) return false;
  if (has("maxLevel") && level > rule.maxLevel) return false;
  return rule.stage.every((one) => stages.includes(one)) && !rule.notStage.some((one) => stages.includes(one));
}
