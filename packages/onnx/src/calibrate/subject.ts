import { createHash } from "node:crypto";
import { paramError } from "../graph/errors.ts";
import type { ReadExternal } from "../graph/external.ts";
import { parseModel } from "../graph/proto.ts";
import type { DataPort } from "./data/data.ts";
import { type Choice, chooseNodes } from "./nodes.ts";
import { fixedBatch, portsBefore, portsOf } from "./ports.ts";

/** A network whose statistics are gathered. */
export interface Subject extends Choice {
  /** The SHA-256 of its file or files. */
  readonly digest: string;
  /** The model for batches of this many samples. The bytes are the same for all sizes if one model accepts any size. */
  modelFor(samples: number): Uint8Array;
  readonly external: ReadExternal | undefined;
  /** The name of the port that an input of the model is fed from. */
  portOf(input: string): string;
  /** The inputs that a chosen node depends on. */
  readonly ports: readonly DataPort[];
}

export interface SubjectOptions {
  /** Reads the files that the model keeps data in; `openModel` of `@bn/onnx/node` gives it. */
  readonly external?: ReadExternal | undefined;
  /** Selects, by name, the nodes that get new statistics. Default: all. */
  readonly nodes?: ((name: string) => boolean) | undefined;
}

/**
 * Makes a subject of an ONNX model. Errors: `ERR_BN_DATA` if the bytes are not a model, or if its nodes are not sorted.
 */
export function subjectOf(bytes: Uint8Array, options: SubjectOptions): Subject {
  const model = parseModel(bytes);
  const choice = chooseNodes(model, options.nodes ?? (() => true));
  const measured = choice.nodes.map(({ x }) => x);
  return {
    ...choice,
    digest: sha256(bytes),
    modelFor: () => bytes,
    external: options.external,
    portOf: (input) => input,
    ports: portsBefore(model, portsOf(model), measured),
  };
}

/** Errors: `ERR_BN_PARAM` for a size that the model does not accept. */
export function batchSize(subject: Subject, given: number | undefined): number {
  const fixed = fixedBatch(subject.ports);
  const batch = given ?? fixed ?? DEFAULT_BATCH;
  if (!Number.isSafeInteger(batch) || batch < 1) {
    throw paramError(`batch is ${batch}, expected the number of samples per batch, a whole number >= 1`);
  }
  if (fixed !== null && batch !== fixed) {
    throw paramError(
      `batch is ${batch}, and the model has the fixed batch size ${fixed}; use that, or export the model with a dynamic first axis`,
    );
  }
  return batch;
}

const DEFAULT_BATCH = 32;

export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}
