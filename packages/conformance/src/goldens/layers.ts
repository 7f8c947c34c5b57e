import type { Dtype, Filler, Geometry, Phase, Shape } from "@bn/core";
import { dataError, type Json, keys, list, member, number, oneOf, RESTORE, text, truth, whole, wrong } from "./json.ts";
import type { GoldenBatchNorm, GoldenLayer, GoldenScale, GoldenTensor } from "./types.ts";

type ReadTensor = (json: Json, dtype: Dtype) => GoldenTensor;
type Part = Record<string, unknown>;

/** The fields of BatchNormParameter and ScaleParameter, translated to core's parameters. */
const BATCH_NORM: Readonly<Record<string, (json: Json) => Part>> = {
  use_global_stats: (json) => ({ useGlobalStats: truth(json) }),
  moving_average_fraction: (json) => ({ movingAverageFraction: number(json) }),
  eps: (json) => ({ eps: number(json) }),
};
const SCALE: Readonly<Record<string, (json: Json) => Part>> = {
  axis: (json) => ({ axis: integer(json) }),
  num_axes: (json) => ({ numAxes: whole(json, -1) }),
  bias_term: (json) => ({ biasTerm: truth(json) }),
  filler: (json) => ({ filler: fillerOf(json) }),
  bias_filler: (json) => ({ biasFiller: fillerOf(json) }),
};
const FILLER: Readonly<Record<string, (json: Json) => Part>> = {
  type: (json) => ({ type: oneOf(json, { constant: "constant" }) }),
  value: (json) => ({ value: number(json) }),
};
const LAYERS = { BatchNorm: batchNorm, Scale: scale };

export function readLayer(json: Json, phase: Phase, dtype: Dtype, tensor: ReadTensor): GoldenLayer {
  const read = oneOf(member(json, "type"), LAYERS);
  const base = {
    inPlace: truth(member(json, "in_place")),
    numBottoms: whole(member(json, "num_bottoms"), 1),
    defaultBlobs: oneOf(member(json, "initial_blobs_source"), { caffe_default: true, explicit: false }),
    initialBlobs: list(member(json, "initial_blobs")).map((blob) => tensor(blob, dtype)),
  };
  return read(json, phase, base);
}

type Base = Pick<GoldenLayer, "inPlace" | "numBottoms" | "defaultBlobs" | "initialBlobs">;

function batchNorm(json: Json, phase: Phase, base: Base): GoldenBatchNorm {
  if (base.numBottoms !== 1) throw wrong(member(json, "num_bottoms"), "1 for BatchNorm");
  const effective = member(json, "effective");
  const [mean, variance, factor] = base.initialBlobs;
  if (base.initialBlobs.length !== 3 || factor?.data.length !== 1 || mean?.data.length !== variance?.data.length) {
    throw dataError(
      `${json.where} initial_blobs`,
      `are not the mean, the variance and the factor of a BatchNorm${RESTORE}`,
    );
  }
  return {
    type: "BatchNorm",
    ...base,
    params: { phase, ...parts(member(json, "param"), BATCH_NORM) },
    effective: {
      useGlobalStats: truth(member(effective, "use_global_stats")),
      fraction: number(member(effective, "moving_average_fraction")),
      eps: number(member(effective, "eps")),
    },
  };
}

function scale(json: Json, _phase: Phase, base: Base): GoldenScale {
  if (base.numBottoms > 2) throw wrong(member(json, "num_bottoms"), "1 or 2 for Scale");
  const effective = member(json, "effective");
  const biasTerm = truth(member(effective, "bias_term"));
  const blobs = (base.numBottoms === 1 ? 1 : 0) + (biasTerm ? 1 : 0);
  if (base.initialBlobs.length !== blobs) {
    throw dataError(
      `${json.where} initial_blobs`,
      `has ${base.initialBlobs.length} entries, expected ${blobs}${RESTORE}`,
    );
  }
  return {
    type: "Scale",
    ...base,
    params: parts(member(json, "param"), SCALE),
    effective: { axis: integer(member(effective, "axis")), numAxes: integer(member(effective, "num_axes")), biasTerm },
  };
}

function parts(json: Json, table: Readonly<Record<string, (json: Json) => Part>>): Part {
  const out: Part = {};
  for (const key of keys(json)) {
    const read = Object.hasOwn(table, key) ? table[key] : undefined;
    if (!read) {
      const known = Object.keys(table).join(", ");
      throw dataError(json.where, `has the unknown field "${key}", expected ${known}${RESTORE}`);
    }
    Object.assign(out, read(member(json, key)));
  }
  return out;
}

function fillerOf(json: Json): Filler {
  return parts(json, FILLER);
}

function integer(json: Json): number {
  if (!Number.isSafeInteger(json.value)) throw wrong(json, "a whole number");
  return json.value as number;
}

/**
 * The layer's view of a bottom as [outer][channels][inner], by the rules of Caffe (batch_norm_layer.cpp, Reshape;
 * scale_layer.cpp:78-100).
 */
export function layerGeometry(where: string, layer: GoldenLayer, bottom: Shape, scaleShape: Shape | null): Geometry {
  const span = (start: number, end: number) => bottom.slice(start, end).reduce((a, b) => a * b, 1);
  const matching = (expected: Shape, start: number) => {
    const covered = bottom.slice(start, start + expected.length);
    if (covered.length !== expected.length || covered.some((dim, i) => dim !== expected[i])) {
      const what = `shape ${expected.join("x") || "()"} does not match ${bottom.join("x") || "()"} from axis ${start}`;
      throw dataError(where, `${what}${RESTORE}`);
    }
    return {
      outer: span(0, start),
      channels: span(start, start + expected.length),
      inner: span(start + expected.length, bottom.length),
    };
  };
  if (layer.type === "BatchNorm") return matching((layer.initialBlobs[0] as GoldenTensor).shape, 1);
  const covered = scaleShape ?? (layer.initialBlobs[0] as GoldenTensor).shape;
  const { axis } = layer.effective;
  return matching(covered, covered.length === 0 ? 0 : axis < 0 ? axis + bottom.length : axis);
}

export function readPhase(json: Json): Phase {
  return oneOf<Phase>(json, { TRAIN: "train", TEST: "test" });
}

export function readOp(json: Json, layers: readonly GoldenLayer[]): void {
  const expected = layers.map((layer) => layer.type).join("+");
  if (text(json) !== expected) throw wrong(json, `"${expected}", the types of its layers`);
}
