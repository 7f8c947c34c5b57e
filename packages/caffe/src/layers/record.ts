import type { HostArray, Phase } from "@bn/core";
import type { LayerRecord } from "@bn/onnx";
import type { Dialect, Role } from "./dialect.ts";
import type { StoredLayer } from "./stored.ts";

/** Which blob of which of the record's layers holds a value. */
export interface BlobPlace {
  readonly role: Role;
  /** Index into `layers`, and into the blobs of that. */
  readonly layer: number;
  readonly blob: number;
}

/** A parameter that other layers have too, by the name of a ParamSpec. */
export interface SharedBlob {
  readonly parameter: string;
  readonly role: Role;
  /** The other layers, and which of their blobs it is. */
  readonly others: readonly { readonly layer: string; readonly blob: number }[];
}

/** What a record does not say, and Caffe's files do. */
export interface CaffeFacts {
  readonly dialect: Dialect;
  /** What speaks for the dialect. */
  readonly evidence: readonly string[];
  /** BatchNorm, and the Scale after it where the record holds both, with their blobs as stored. */
  readonly layers: readonly StoredLayer[];
  readonly places: readonly BlobPlace[];
  /** `use_global_stats` of the net; null if the phase decides. */
  readonly useGlobalStats: boolean | null;
  /** The phase of the net: the record's own phase says whether statistics are used (test) or made (train). */
  readonly phase: Phase;
  readonly shared: readonly SharedBlob[];
}

/** A normalization layer of a Caffe network. */
export type CaffeRecord = LayerRecord & { readonly caffe: CaffeFacts };

/** A layer's values by role, and their shape. */
export type RoleValues = Readonly<Partial<Record<Role, HostArray>>>;
