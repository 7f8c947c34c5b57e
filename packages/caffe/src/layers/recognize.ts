import { isFieldSet } from "@bufbuild/protobuf";
import type { CaffeBlob } from "../binary/blob.ts";
import type { CaffeFile } from "../file.ts";
import type { NetworkLayer } from "../net/network.ts";
import { ParamSpecSchema } from "../schema/caffe_pb.ts";
import { DIALECT_NAMES, DIALECTS, type Dialect, type Role, rolesOf } from "./dialect.ts";
import { channelsOf } from "./stored.ts";

/** A dialect and its evidence, or the possible dialects and the reason why the choice is unclear. */
export type Recognized =
  | { readonly dialect: Dialect; readonly roles: readonly Role[]; readonly evidence: readonly string[] }
  | { readonly candidates: readonly Dialect[]; readonly why: string };

/** Evidence from the whole network for layers that do not show their dialect. */
export interface Hint {
  readonly dialect: Dialect;
  readonly evidence: string;
}

/** Returns one reason against a dialect, or null. Each function checks one property. */
type Objection = (roles: readonly Role[], layer: NetworkLayer, blobs: readonly CaffeBlob[]) => string | null;

/**
 * Determines the dialect of a layer's blobs by its type, their number and shapes, their signs, and which of them the
 * net has trained. It never guesses: blobs that fit two dialects are reported as ambiguous.
 */
export function recognize(
  layer: NetworkLayer,
  blobs: readonly CaffeBlob[],
  { net, given, hint }: { readonly net: CaffeFile; readonly given: Dialect | undefined; readonly hint: Hint | null },
): Recognized {
  const type = layer.type === "BN" ? "BN" : "BatchNorm";
  const fitting = DIALECT_NAMES.filter((name) => DIALECTS[name].type === type).flatMap((dialect) => {
    const roles = rolesOf(dialect, blobs.length);
    return roles ? [{ dialect, roles }] : [];
  });
  if (given !== undefined) {
    const chosen = fitting.find(({ dialect }) => dialect === given);
    const unfit = chosen && misshapen(chosen.roles, blobs);
    if (unfit) return { candidates: [], why: `it is not ${given}, the dialect that was passed: ${unfit}` };
    // A net may contain layers of several kinds. A layer that cannot have this dialect is recognised by its own
    // properties.
    if (chosen) return { ...chosen, evidence: ["the dialect was passed"] };
  }
  if (fitting.length === 0) {
    return { candidates: [], why: `${blobs.length} blobs (${shapesOf(blobs)}), unlike any known ${type} layer` };
  }
  const left: typeof fitting = [];
  const against: string[] = [];
  for (const one of fitting) {
    const why = OBJECTIONS.map((object) => object(one.roles, layer, blobs)).find((reason) => reason !== null);
    if (why === undefined) left.push(one);
    else against.push(`not ${one.dialect}: ${why}`);
  }
  const hinted = left.length > 1 && left.find(({ dialect }) => dialect === hint?.dialect);
  if (hinted && hint) return { ...hinted, evidence: [`${blobs.length} blobs (${shapesOf(blobs)})`, hint.evidence] };
  return settle(left, against, nvidiaFields(layer, net), blobs);
}

interface Candidate {
  readonly dialect: Dialect;
  readonly roles: readonly Role[];
}

function settle(
  left: readonly Candidate[],
  against: readonly string[],
  says: string | null,
  blobs: readonly CaffeBlob[],
): Recognized {
  const shapes = `${blobs.length} blobs (${shapesOf(blobs)})`;
  const [first, second] = left;
  if (!first) return { candidates: [], why: `${shapes}, which fits no known dialect: ${against.join("; ")}` };
  if (!second) return { ...first, evidence: [shapes, ...against] };
  // Both read three blobs in the same order, and differ in the meaning of the factor.
  const meanFirst = left.find(({ dialect }) => dialect === "mean-first");
  if (meanFirst && says) return { ...meanFirst, evidence: [shapes, says] };
  if (first.dialect === "caffe") {
    const factor = blobs[2]?.data[0];
    const means = [blobs[0], blobs[1]].some((blob) => blob?.data.some((value) => value !== 0));
    if (factor !== 0 || !means) return { ...first, evidence: [shapes] };
    const why = `factor is 0 and the statistics are not: Caffe treats them as zeros, NVIDIA's forks use them unchanged`;
    return { candidates: left.map(({ dialect }) => dialect), why };
  }
  return {
    candidates: left.map(({ dialect }) => dialect),
    why: `${shapes}, and their values do not distinguish these dialects`,
  };
}

const OBJECTIONS: readonly Objection[] = [
  (roles, _, blobs) => misshapen(roles, blobs),
  function signs(roles, _, blobs) {
    for (const [i, role] of roles.entries()) {
      if (role !== "variance" && role !== "inverse std") continue;
      const { data } = blobs[i] as CaffeBlob;
      const below = data.findIndex((value) => value < 0);
      if (below >= 0 && roles.includes("gamma"))
        return `blob ${i}, its ${role}, has ${data[below]} in channel ${below}`;
      if (role === "inverse std" && data.includes(0))
        return `blob ${i}, its ${role}, has 0 in channel ${data.indexOf(0)}`;
    }
    return null;
  },
  function learned(roles, { param }) {
    const { lrMult } = ParamSpecSchema.field;
    if (!roles.includes("gamma")) return null;
    for (const [i, role] of roles.entries()) {
      const spec = param.param[i];
      if (!spec || !isFieldSet(spec, lrMult)) continue;
      const affine = role === "gamma" || role === "beta";
      if (!affine && spec.lrMult !== 0) return `the net learns blob ${i}, its ${role} (lr_mult ${spec.lrMult})`;
    }
    return null;
  },
];

function misshapen(roles: readonly Role[], blobs: readonly CaffeBlob[]): string | null {
  const channels = Math.max(...blobs.map(channelsOf));
  for (const [i, role] of roles.entries()) {
    const expected = role === "factor" ? 1 : channels;
    const found = channelsOf(blobs[i] as CaffeBlob);
    if (found !== expected)
      return `blob ${i}, its ${role}, has shape [${blobs[i]?.shape}], expected ${expected} values`;
  }
  return null;
}

const NVIDIA_FIELDS: Readonly<Record<string, number>> = { scale_filler: 5, bias_filler: 6, scale_bias: 7 };

/** The fields of batch_norm_param that only NVIDIA's fork has, by name in text, otherwise by number. */
function nvidiaFields({ param: { batchNormParam } }: NetworkLayer, net: CaffeFile): string | null {
  if (!batchNormParam) return null;
  const named = net.unknown.get(batchNormParam)?.map(({ name }) => name) ?? [];
  const numbered = batchNormParam.$unknown?.map(({ no }) => no) ?? [];
  const found = Object.entries(NVIDIA_FIELDS).find(([name, no]) => named.includes(name) || numbered.includes(no));
  return found ? `batch_norm_param has ${found[0]}, which only NVIDIA's fork has` : null;
}

export function shapesOf(blobs: readonly CaffeBlob[]): string {
  return blobs.map(({ shape }) => `[${shape}]`).join(", ");
}
