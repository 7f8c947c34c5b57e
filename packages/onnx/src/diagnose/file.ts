import type { HostArray } from "@bn/core";
import { type Model, namesReadBy } from "../graph/proto.ts";
import { neighbours } from "./neighbours.ts";
import { type StoredNode, type Suspicion, short } from "./suspicion.ts";

/** The default of ONNX, PyTorch and Caffe, as a float32. */
const DEFAULT_EPSILON = Math.fround(1e-5);
/** Frameworks use 1e-6 to 1e-3. */
const LARGE_EPSILON = 0.01;
/** The part of the statistics that each step keeps. Frameworks use 0.9 to 0.999. */
const SMALL_MOMENTUM = 0.3;
/** With fewer channels than this, equal numbers may be a coincidence. */
const FEW = 4;

/** Detects one family of mistakes in a node. Returns null if the node does not show any. */
type Family = (node: StoredNode, about: About) => string | null;

interface About {
  readonly nodes: readonly StoredNode[];
  /** Names that a node, or the caller of the network, reads. */
  readonly read: ReadonlySet<string>;
}

/** Families of mistakes that can be detected from the file alone. */
const FAMILIES: readonly Family[] = [
  function pytorchMomentum({ layer: { movingAverageFraction: momentum } }) {
    if (!(momentum > 0 && momentum <= SMALL_MOMENTUM)) return null;
    return `momentum is ${short(momentum)}: this looks like PyTorch's momentum, the weight of the new batch; in ONNX, momentum is the weight of the old statistics, here ${short(1 - momentum)}; inference does not use it`;
  },
  function untrained({ layer: { statistics, channels } }) {
    const [zero, one] = [isAll(statistics.mean, 0), isAll(statistics.variance, 1)];
    const cure = "this is right only if the node applies scale and B alone";
    if (zero && one)
      return `mean is 0 and var is 1 in all ${channels} channels: as if the statistics were never trained, or not loaded; ${cure}`;
    if (channels < FEW || !(zero || one)) return null;
    return `${zero ? "mean is 0" : "var is 1"} in all ${channels} channels, and ${zero ? "var" : "mean"} is not: as if it was never trained, or not loaded; ${cure}`;
  },
  function largeEpsilon({ layer: { eps } }) {
    if (!(eps > LARGE_EPSILON)) return null;
    return `epsilon is ${short(eps)}, and frameworks have 1e-6 to 1e-3: as if another number was written in its place, such as momentum`;
  },
  function lostEpsilon(node, { nodes }) {
    const { eps } = node.layer;
    if (eps !== DEFAULT_EPSILON && eps !== 0) return null;
    const others = nodes.filter((one) => one.layer.eps !== eps);
    const [first] = others;
    // At most one node in ten is odd, while the others agree.
    const isOdd = first && 10 * (nodes.length - others.length) <= Math.max(10, nodes.length) && others.length >= 3;
    if (!isOdd || others.some((one) => one.layer.eps !== first.layer.eps)) return null;
    return `epsilon is ${short(eps)}, and ${short(first.layer.eps)} in the ${others.length} other nodes: as if it was lost and a default stands there`;
  },
  function accidentalTraining({ training, node }, { read }) {
    if (!training || node.output.slice(1).some((name) => name !== "" && read.has(name))) return null;
    return "is in training mode, and nothing reads its running statistics: as if the network was exported in training by accident (model.train(), or batch_norm called with training true); it normalizes by the batch that comes, not by mean and var";
  },
];

/** Mistakes that can be detected from the file alone, in single nodes and by comparing nodes. */
export function fileSuspicions(model: Model, nodes: readonly StoredNode[]): Suspicion[] {
  const about = { nodes, read: namesRead(model) };
  const own = nodes.flatMap((node) =>
    FAMILIES.map((family) => family(node, about))
      .filter((what) => what !== null)
      .map((what) => ({ node, what })),
  );
  return [...own, ...neighbours(model, nodes)];
}

function isAll(values: HostArray, wanted: number): boolean {
  return values.every((value) => value === wanted);
}

function namesRead({ graph }: Model): Set<string> {
  return new Set([...graph.output.map(({ name }) => name), ...graph.node.flatMap(namesReadBy)]);
}
