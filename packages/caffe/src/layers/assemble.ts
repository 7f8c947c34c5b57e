import type { Dtype, HostArray } from "@bn/core";
import type { LayerSource } from "@bn/onnx";
import type { CaffeBlob } from "../binary/blob.ts";
import { countOf } from "../count.ts";
import type { Network, NetworkLayer } from "../net/network.ts";
import { DIALECTS } from "./dialect.ts";
import type { ReadNorm } from "./norm.ts";
import type { BlobPlace, CaffeFacts, CaffeRecord } from "./record.ts";
import type { ReadScale } from "./scale.ts";
import { sharedBlobs } from "./shared.ts";
import type { StoredLayer } from "./stored.ts";

type Norm = Exclude<ReadNorm, { readonly broken: string }>;
type Scale = Exclude<ReadScale, { readonly broken: string }>;

interface Parts {
  readonly layer: NetworkLayer;
  readonly norm: Norm;
  /** The layer's own blobs, and those of the Scale if there is one. */
  readonly stored: readonly StoredLayer[];
  readonly scale: Scale | null;
  readonly network: Network;
  readonly source: LayerSource;
}

/** The record of a normalization layer and of the Scale that follows it. */
export function assemble({ layer, norm, stored, scale, network, source }: Parts): CaffeRecord {
  const { dialect, evidence, roles, values, constants } = norm;
  const { useGlobalStats, eps, movingAverageFraction } = constants;
  const places: BlobPlace[] = roles.map((role, blob) => ({ role, layer: 0, blob }));
  if (scale) places.push(...placesOf(scale, 1));
  const dtype = dtypeOf(stored.flatMap(({ blobs }) => blobs));
  const as = (data: HostArray) => widened(data, dtype);
  const caffe: CaffeFacts = {
    dialect,
    evidence,
    layers: stored,
    places,
    useGlobalStats,
    phase: layer.phase,
    shared: sharedBlobs(source.nodes, places, network),
  };
  const gamma = values.gamma ?? scale?.gamma ?? null;
  const beta = values.beta ?? scale?.beta ?? null;
  const common = { name: layer.name, dtype, axis: 1, source, caffe };
  if (DIALECTS[dialect].statistics === "none") {
    const channels = gamma?.length ?? 0;
    const affine = { gamma: gamma && as(gamma), beta: beta && as(beta), statistics: null };
    return { type: "Scale", ...common, ...affine, channels, phase: "test", parameterShape: [channels] };
  }
  const mean = as(values.mean as HostArray);
  const normal = {
    ...common,
    channels: mean.length,
    phase: (useGlobalStats ?? layer.phase === "test") ? ("test" as const) : ("train" as const),
    parameterShape: [mean.length],
    statistics: { mean, variance: as(varianceOf(values)), factor: factorOf(norm) },
    ...{ eps, movingAverageFraction },
  };
  if (!gamma) return { type: "BatchNorm", ...normal, gamma: null, beta: null };
  return { type: "BatchNormScale", ...normal, gamma: as(gamma), beta: beta && as(beta) };
}

/** The record of a Scale that follows no BatchNorm. */
export function assembleScale(layer: NetworkLayer, scale: Scale, stored: StoredLayer, network: Network): CaffeRecord {
  const { gamma, beta, axis, shape } = scale;
  const places = placesOf(scale, 0);
  const dtype = dtypeOf(stored.blobs);
  return {
    type: "Scale",
    name: layer.name,
    dtype,
    axis,
    channels: countOf(shape),
    phase: layer.phase,
    parameterShape: shape,
    statistics: null,
    gamma: gamma && widened(gamma, dtype),
    beta: beta && widened(beta, dtype),
    source: { format: "caffe", nodes: [layer.name], where: "" },
    caffe: {
      dialect: "caffe",
      evidence: [],
      layers: [stored],
      places,
      useGlobalStats: null,
      phase: layer.phase,
      shared: sharedBlobs([layer.name], places, network),
    },
  };
}

function placesOf(scale: Scale, layer: number): BlobPlace[] {
  const roles = (["gamma", "beta"] as const).filter((role) => scale[role]);
  return roles.map((role, blob) => ({ role, layer, blob }));
}

function dtypeOf(blobs: readonly CaffeBlob[]): Dtype {
  return blobs.some(({ data }) => data instanceof Float64Array) ? "float64" : "float32";
}

function widened(data: HostArray, dtype: Dtype): HostArray {
  return dtype === "float64" ? Float64Array.from(data) : data;
}

function factorOf({ dialect, values }: Norm): number {
  return DIALECTS[dialect].statistics === "sums" ? (values.factor?.[0] ?? 1) : 1;
}

function varianceOf(values: Norm["values"]): HostArray {
  const inverse = values["inverse std"];
  return inverse ? inverse.map((value) => 1 / (value * value)) : (values.variance as HostArray);
}
