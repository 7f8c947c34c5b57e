import type { HostArray } from "@bn/core";
import type { CaffeFile } from "../file.ts";
import type { NetworkLayer } from "../net/network.ts";
import { type NormConstants, normConstants } from "./constants.ts";
import { DIALECTS, type Dialect, type Role } from "./dialect.ts";
import { type Hint, recognize } from "./recognize.ts";
import type { RoleValues } from "./record.ts";
import type { StoredLayer } from "./stored.ts";
import { textAt } from "./text-fields.ts";

/** A BatchNorm or BN layer, or the reason why it cannot be read. */
export type ReadNorm =
  | {
      readonly dialect: Dialect;
      readonly evidence: readonly string[];
      readonly roles: readonly Role[];
      readonly values: RoleValues;
      readonly constants: NormConstants;
    }
  | { readonly broken: string };

export function readNorm(
  layer: NetworkLayer,
  stored: StoredLayer,
  net: CaffeFile,
  given: Dialect | undefined,
  hint: Hint | null,
): ReadNorm {
  const found = recognize(layer, stored.blobs, { net, given, hint });
  if ("candidates" in found) {
    if (found.candidates.length === 0)
      return { broken: `${found.why}; the weights belong to another net, or to an unknown fork` };
    const names = found.candidates.map((name) => `${name} (${DIALECTS[name].title})`).join(" or ");
    return { broken: `ambiguous: ${found.why}; pass the dialect: ${names}` };
  }
  const { dialect, evidence, roles } = found;
  if (dialect === "bn-affine" && given === undefined) {
    const mode = textAt(net, layer.param, ["bn_param", "bn_mode"]);
    if (mode === null || mode === "LEARN" || mode === "0") {
      const why = mode === null ? "the net does not set bn_mode" : `bn_mode is ${mode}`;
      const cure = "with INFERENCE they also hold the statistics; pass that net, or dialect bn-affine";
      return { broken: `ambiguous: it has 2 blobs, scale and shift, and ${why}; ${cure}` };
    }
  }
  const values: Partial<Record<Role, HostArray>> = {};
  for (const [i, role] of roles.entries()) values[role] = stored.blobs[i]?.data as HostArray;
  const constants = normConstants(layer, net, dialect);
  if (!(constants.eps >= 0 && constants.eps < Number.POSITIVE_INFINITY)) {
    return { broken: `eps is ${constants.eps}, expected a finite number, 0 or more; correct the net` };
  }
  return { dialect, evidence, roles, values, constants };
}
