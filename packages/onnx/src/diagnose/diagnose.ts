import { BnError, type Shape } from "@bn/core";
import type { ReadExternal } from "../graph/external.ts";
import { readModel } from "../graph/load.ts";
import type { Model } from "../graph/proto.ts";
import { upgrade } from "../graph/upgrade.ts";
import type { Diagnostic } from "../layers/diagnostic.ts";
import { loadWeights, readNodes, titleOf } from "../layers/nodes.ts";
import { prepare } from "../verify/prepare.ts";
import { reach } from "../verify/reach.ts";
import type { Runtime, Tensor } from "../verify/runtime.ts";
import { createTaps, type Given } from "../verify/taps.ts";
import {
  type Finding,
  isComparable,
  type Judgement,
  judgementOf,
  networkFindings,
  nodeFinding,
  rangeFinding,
  textOf,
} from "./judge.ts";
import { measurable, measure } from "./measure.ts";
import type { Place, ScaleOf } from "./renormalize.ts";
import { type StoredNode, storedIn } from "./suspicion.ts";
import { isCorrectedTwice, twiceText } from "./twice.ts";
import { type Remeasure, scaleBefore, scalesOfAll } from "./what-if.ts";

export interface DiagnoseOptions {
  /** Who runs the network: `createRuntime()`. */
  readonly runtime: Runtime;
  /** Shapes of inputs by name, where the model leaves axes open. */
  readonly shapes?: Readonly<Record<string, Shape>>;
  /** Values of inputs by name; of the others they are made up. */
  readonly feeds?: Readonly<Record<string, Tensor>>;
  /** Reads the model's external data files. */
  readonly external?: ReadExternal;
  /** The seed of the made-up input. Default "bn". */
  readonly seed?: string;
  readonly signal?: AbortSignal;
}

/**
 * What a run shows of the statistics that a network stores. Each BatchNormalization is run with the statistics of what it
 * is given, so that no stored number has a say in what the next node sees; these are compared with the stored ones, as they
 * stand and as a known mistake would have made them. A mistake is named, as `suspect`, only where it explains what was
 * measured and the numbers as they stand do not.
 *
 * Math    for each channel, log(measured variance / stored variance) less its median over the network; a mistake is a map
 *         of the stored numbers under which these are near 0.
 * Shapes  nodes at the top level, in inference, with 16 values of each channel or more.
 * Errors  `ERR_BN_DATA`, a model that cannot be read; what ONNX Runtime cannot run is not an error, and gives nothing.
 *
 * @example
 * ```ts
 * import { batchNormOf, buildModel } from "@bn/onnx";
 * import { createRuntime, diagnoseModel } from "@bn/onnx/verify";
 * const one = new Float32Array([1, 1]);
 * await using runtime = createRuntime();
 * console.log(await diagnoseModel(buildModel(batchNormOf([one, one, [1], one, one])), { runtime })); // []
 * ```
 */
export async function diagnoseModel(bytes: Uint8Array, options: DiagnoseOptions): Promise<Diagnostic[]> {
  const { runtime, external, signal, seed = "bn", shapes = {}, feeds = {} } = options;
  const read = readModel(bytes);
  await loadWeights(read, external);
  const nodes = storedIn([...readNodes(read)]).filter(({ topLevel, training }) => topLevel && !training);
  if (nodes.length === 0) return [];
  const { model } = read;
  const failures = upgrade(model);
  prepare(model);
  const given = {
    shapes: new Map(Object.entries(shapes)),
    feeds: new Map(Object.entries(feeds)),
    seed,
    external,
    signal,
    failures,
  };
  const taps = createTaps(model, runtime, given);
  const reached = await reach(nodes, taps);
  const places = nodes.flatMap((node) => {
    const shape = reached.get(node)?.shape;
    return shape ? [{ node, shape }] : [];
  });
  return diagnosePlaces(model, places, runtime, { ...given, feeds: new Map(Object.entries(taps.values())) });
}

/** The same of a model that is ready to run, its nodes and the shapes that they see. */
export async function diagnosePlaces(
  model: Model,
  places: readonly Place[],
  runtime: Runtime,
  given: Given,
): Promise<Diagnostic[]> {
  const enough = measurable(places);
  if (enough.length === 0) return [];
  try {
    const remeasure = (scaleOf: ScaleOf | null) => measure(model, enough, runtime, given, scaleOf);
    const measured = await remeasure(null);
    const twice = measured.filter(isCorrectedTwice).map(({ node, count }) => suspect(node, twiceText(count)));
    if (twice.length > 0) return twice;
    const found = await findingsOf(model, judgementOf(measured), remeasure);
    return found.map((one) => suspect(one.node, textOf(one, enough.length)));
  } catch (error) {
    // Something of it cannot be run so; then it tells nothing.
    if (error instanceof BnError && error.code === "ERR_BN_DATA") return [];
    throw error;
  }
}

/** One mistake of all nodes, or those of single ones. */
async function findingsOf(model: Model, judgement: Judgement, remeasure: Remeasure): Promise<Finding[]> {
  const everywhere = [...networkFindings(judgement), ...(await scalesOfAll(judgement, remeasure))];
  const [best] = everywhere.toSorted((a, b) => a.after - b.after);
  if (best) return [best];
  if (!isComparable(judgement)) return [];
  const found: Finding[] = [];
  for (const i of judgement.measured.keys()) {
    const own = nodeFinding(judgement, i);
    const range = own ?? rangeFinding(judgement, i);
    if (range === null) continue;
    const scale = found.length < MOST_FINDINGS ? await scaleBefore(model, judgement, i, remeasure) : null;
    found.push(scale && scale.after < range.after ? scale : range);
  }
  return [...new Map(found.map((one) => [`${one.node?.name} ${one.mistake}`, one])).values()];
}

/** Beyond, no further run is made to explain a node. */
const MOST_FINDINGS = 8;

/** A suspicion as a diagnostic; of the whole network where `node` is null. */
export function suspect(node: StoredNode | null, what: string): Diagnostic {
  if (node === null) return { kind: "suspect", node: "", message: `BatchNormalization in the whole network: ${what}` };
  return { kind: "suspect", node: node.name, message: `${titleOf(node)}: ${what}` };
}
