import type { NodeProto } from "onnx-buf";
import { dependenciesOf, type Model, producersOf } from "../graph/proto.ts";
import { fitOf, spread } from "./fit.ts";
import { ENOUGH_NODES, explainsNetwork, explainsNode, type Finding, type Judgement, misfit } from "./judge.ts";
import type { Measured } from "./measure.ts";
import { channelOf, RIGHT, SCALES } from "./readings.ts";
import type { ScaleOf } from "./renormalize.ts";
import type { StoredNode } from "./suspicion.ts";

/** Measures the network with other scales. */
export type Remeasure = (scaleOf: ScaleOf) => Promise<readonly Measured[]>;

/** Right networks mostly fit better than this, and need no second run. */
const WORTH_A_RUN = 0.5;
/** The number of nodes that are examined if they are off. Each costs two runs. */
const MOST_NODES = 4;

/**
 * The scale of a node does not affect its own input. Only later nodes show whether it is right. The network is
 * therefore run with the intended scales, assuming that all nodes have the same mistake.
 */
export async function scalesOfAll({ measured, fits }: Judgement, remeasure: Remeasure): Promise<Finding[]> {
  const { channels, spread: before } = misfit(fits);
  if (measured.length < ENOUGH_NODES || before < WORTH_A_RUN) return [];
  const found: Finding[] = [];
  for (const { mistake, of } of SCALES) {
    const after = misfit((await remeasure(scaleBy(of))).map((one) => fitOf(one, RIGHT))).spread;
    found.push({ node: null, mistake, before, after, channels });
  }
  return found.filter(explainsNetwork);
}

/** The same for the nodes before one that is off, because the mistake may be in those. */
export async function scaleBefore(
  model: Model,
  { measured, spreads, centre }: Judgement,
  i: number,
  remeasure: Remeasure,
): Promise<Finding | null> {
  const found: Finding[] = [];
  const off = measured[i] as Measured;
  for (const node of normsBefore(model, off.node, measured).slice(0, MOST_NODES)) {
    for (const { mistake, of } of SCALES) {
      const { off: logs } = fitOf((await remeasure(scaleBy(of, node)))[i] as Measured, RIGHT);
      const after = spread(logs, centre);
      found.push({ node, mistake, before: spreads[i] as number, after, channels: logs.length });
    }
  }
  const [best] = found.filter((one) => explainsNode(one)).toSorted((a, b) => a.after - b.after);
  return best ? { ...best, mistake: `${best.mistake}: ${off.node.label} behind it tells` } : null;
}

function scaleBy(of: (typeof SCALES)[number]["of"], only?: StoredNode): ScaleOf {
  return (node) => {
    const { channels, gamma } = node.layer;
    if (only && node !== only) return gamma;
    return Float64Array.from({ length: channels }, (_, c) => of(channelOf(node.layer, c)));
  };
}

/** The measured nodes that X is computed from without another measured node in between. */
function normsBefore({ graph }: Model, { node }: StoredNode, measured: readonly Measured[]): StoredNode[] {
  const known = new Map(measured.map((one) => [one.node.node, one.node] as const));
  const readBy = (one: NodeProto) => (known.has(one) ? [] : one.input);
  const { nodes } = dependenciesOf([node.input[0] ?? ""], producersOf(graph.node), readBy);
  return [...nodes].flatMap((one) => known.get(one) ?? []);
}
