/** The meaning of the blobs of a normalization layer. `DIALECTS` tells which programs write each. */
export type Dialect = "caffe" | "mean-first" | "scale-first" | "bn-variance" | "bn-inverse-std" | "bn-affine";

/** The meaning of one blob of a layer. */
export type Role = "mean" | "variance" | "inverse std" | "factor" | "gamma" | "beta";

export interface DialectFacts {
  readonly title: string;
  /** The type of the layer. */
  readonly type: "BatchNorm" | "BN";
  /** The possible orders of its blobs. */
  readonly orders: readonly (readonly Role[])[];
  /**
   * "sums": mean and variance are divided by the factor. "averages": they are used as they are, whatever the factor is.
   * "none": there are only gamma and beta.
   */
  readonly statistics: "sums" | "averages" | "none";
}

export const DIALECTS: Readonly<Record<Dialect, DialectFacts>> = {
  caffe: {
    title: "BVLC Caffe",
    type: "BatchNorm",
    orders: [["mean", "variance", "factor"]],
    statistics: "sums",
  },
  "mean-first": {
    title: "NVIDIA's Caffe from 0.16 on",
    type: "BatchNorm",
    orders: [
      ["mean", "variance", "factor"],
      ["mean", "variance", "gamma", "beta"],
      ["mean", "variance", "factor", "gamma", "beta"],
    ],
    statistics: "averages",
  },
  "scale-first": {
    title: "NVIDIA's Caffe up to 0.15 and Xilinx's",
    type: "BatchNorm",
    orders: [
      ["gamma", "beta", "mean", "variance"],
      ["gamma", "beta", "mean", "variance", "factor"],
    ],
    statistics: "averages",
  },
  "bn-variance": {
    title: "the BN layer of PSPNet and of later forks for segmentation",
    type: "BN",
    orders: [["gamma", "beta", "mean", "variance"]],
    statistics: "averages",
  },
  "bn-inverse-std": {
    title: "the BN layer of ENet and of the first forks with one",
    type: "BN",
    orders: [["gamma", "beta", "mean", "inverse std"]],
    statistics: "averages",
  },
  "bn-affine": {
    title: "the BN layer of SegNet, its statistics folded into scale and shift",
    type: "BN",
    orders: [["gamma", "beta"]],
    statistics: "none",
  },
};

export const DIALECT_NAMES = Object.keys(DIALECTS) as Dialect[];

/** The roles of `count` blobs, or null if the dialect has no such layer. */
export function rolesOf(dialect: Dialect, count: number): readonly Role[] | null {
  return DIALECTS[dialect].orders.find(({ length }) => length === count) ?? null;
}
