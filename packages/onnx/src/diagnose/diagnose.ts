import { BnError, type Shape } from "@bn/core";
import { readModel } from "../graph/load.ts";
import type { Model } from "../graph/proto.ts";
import type { Diagnostic } from "../layers/diagnostic.ts";
import { loadWeights, readNodes, titleOf } from "../layers/nodes.ts";
import { prepare } from "../verify/prepare.ts";
import { reach } from "../verify/reach.ts";
import type { Runtime } from "../verify/runtime.ts";
import { createTaps, type Given, type InputOptions } from "../verify/taps.ts";
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

export interface DiagnoseOptions extends InputOptions {
  /** The runtime for the network: `createRuntime()`. */
  readonly runtime: Runtime;
}

/**
 * Checks the stored statistics of a network by running it. Each BatchNormalization normalizes by the statistics of its
 * own input, so that stored numbers do not affect later nodes. The measured statistics are compared with the stored
 * ones, as they are and as each known mistake would have changed them. A mistake is reported, as `suspect`, only if it
 * explains the measurement and the stored numbers as they are do not.
 *
 * Math    for each channel, log(measured variance / stored variance) minus its median over the network; a mistake is a
 *         map of the stored numbers under which these are near 0.
 * Shapes  nodes at the top level, in inference, with at least 16 values per channel.
 * Errors  `ERR_BN_DATA`, a model that cannot be read; a model that ONNX Runtime cannot run is not an error, and gives
 *         no result.
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
  const { runtime } = options;
  const read = readModel(bytes);
  await loadWeights(read, options.external);
  const nodes = storedIn([...readNodes(read)]).filter(({ topLevel, training }) => topLevel && !training);
  if (nodes.length === 0) return [];
  const { model } = read;
  const given = { ...options, failures: prepare(model) };
  const taps = createTaps(model, runtime, given);
  const reached = await reach(nodes, taps);
  const places = placesOf(nodes, (node) => reached.get(node)?.shape);
  return diagnosePlaces(model, places, runtime, { ...given, feeds: taps.values() });
}

/** The places of the nodes that a run reaches. */
export function placesOf(
  nodes: readonly StoredNode[],
  shapeOf: (node: StoredNode) => Shape | null | undefined,
): Place[] {
  return nodes.flatMap((node) => {
    const shape = shapeOf(node);
    return shape ? [{ node, shape }] : [];
  });
}

/** The same for a model that is ready to run, its nodes and the shapes of their inputs. */
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
    // Some part of the network cannot be run this way. In that case there is no diagnosis.
    if (error instanceof BnError && error.code === "ERR_BN_DATA") return [];
    throw error;
  }
}

/** Either one mistake in all nodes, or mistakes in single nodes. */
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

/** The number of findings after which no further run is made to explain a node. */
const MOST_FINDINGS = 8;

/** A suspicion as a diagnostic. If `node` is null it concerns the whole network. */
export function suspect(node: StoredNode | null, what: string): Diagnostic {
  if (node === null) return { kind: "suspect", node: "", message: `BatchNormalization in the whole network: ${what}` };
  return { kind: "suspect", node: node.name, message: `${titleOf(node)}: ${what}` };
}
