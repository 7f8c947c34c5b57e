import type { HostArray, Phase } from "@bn/core";
import type { LayerRecord } from "@bn/onnx";
import type { Dialect, Role } from "./dialect.ts";
import type { StoredLayer } from "./stored.ts";

/** The position of a value: a blob of one of the record's layers. */
export interface BlobPlace {
  readonly role: Role;
  /** The index into `layers`, and the index into the blobs of that layer. */
  readonly layer: number;
  readonly blob: number;
}

/** A parameter that is shared with other layers by the name of a ParamSpec. */
export interface SharedBlob {
  readonly parameter: string;
  readonly role: Role;
  /** The other layers, with the index of the shared blob. */
  readonly others: readonly { readonly layer: string; readonly blob: number }[];
}

/** Facts from Caffe's files that a record does not contain. */
export interface CaffeFacts {
  readonly dialect: Dialect;
  /** The evidence for the dialect. */
  readonly evidence: readonly string[];
  /** BatchNorm, and the Scale after it if the record contains both, with their blobs as stored. */
  readonly layers: readonly StoredLayer[];
  readonly places: readonly BlobPlace[];
  /** `use_global_stats` of the net; null if it is unset, so that the phase decides. */
  readonly useGlobalStats: boolean | null;
  /** The phase of the net. The record's own phase says whether statistics are used (test) or computed (train). */
  readonly phase: Phase;
  readonly shared: readonly SharedBlob[];
}

/** A normalization layer of a Caffe network. */
export type CaffeRecord = LayerRecord & { readonly caffe: CaffeFacts };

/** A layer's values by role, and their shape. */
export type RoleValues = Readonly<Partial<Record<Role, HostArray>>>;
