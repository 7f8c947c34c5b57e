import type { Backend } from "@bn/core";
import { BFLOAT16, elementTypes } from "../graph/elements.ts";
import { type Model, opsetOf } from "../graph/proto.ts";
import { constantIn, type Lookup, topLookup } from "../graph/scope.ts";
import type { NormRecord } from "../layers/record.ts";
import { readableOf, type Values, valuesOf } from "./build-problem.ts";
import type { Tap } from "./extract.ts";
import { groupsWithin } from "./groups.ts";
import { type Source, wholeOf } from "./large.ts";
import type { ComparedNode } from "./nodes.ts";
import { countOf } from "./problem.ts";
import { type Reached, refusal } from "./reach.ts";
import type { VerifyRow } from "./report.ts";
import type { Taps } from "./taps.ts";
import { emptyRow, type NodeValues, verifyNode } from "./verify-node.ts";

/** The bytes of tensors that are fetched at a time, so that memory does not grow with the sum of all activations. */
export const GROUP = 2 ** 25;

interface Work {
  readonly model: Model;
  readonly taps: Taps;
  readonly backends: readonly Backend[];
  readonly signal: AbortSignal | undefined;
  readonly layers: ReadonlyMap<string, NormRecord> | undefined;
}

/** The rows of the nodes that ONNX Runtime reaches, in their order, in groups. */
export async function* rowsOf(reached: readonly Reached[], work: Work): AsyncGenerator<VerifyRow> {
  const { model, taps, backends, signal, layers } = work;
  const isBfloat16 = (name: string, type = elementTypes(model)) => type(name) === BFLOAT16;
  const lookup = topLookup(model);
  for (const group of groupsWithin(GROUP, reached, (one) => sizeOf([one]))) {
    signal?.throwIfAborted();
    const plans = group.map((one) => planOf(one, model, lookup, isBfloat16));
    let values: ReadonlyMap<string, Source> = new Map();
    let why = "";
    try {
      values = await taps.open(distinct(plans.flatMap((plan) => plan.taps)), sizeOf(group) > GROUP);
    } catch (error) {
      why = refusal(error);
    }
    for (const { reached, operands, isNarrow } of plans) {
      signal?.throwIfAborted();
      const { node } = reached;
      const found = why === "" ? await nodeValues(reached, values, operands, isNarrow) : why;
      yield typeof found === "string"
        ? emptyRow(node, found, backends)
        : await verifyNode(node, { ...found, layer: layers?.get(node.name) ?? null }, backends, signal);
    }
  }
}

/** The approximate size of X and Y of nodes, in bytes. */
function sizeOf(nodes: readonly Reached[]): number {
  return nodes.reduce((sum, { shape, y }) => sum + 4 * countOf(shape ?? []) * (y ? 2 : 1), 0);
}

interface Plan {
  readonly reached: Reached;
  readonly taps: readonly Tap[];
  /** Values from the file, or the name of a tap. */
  readonly operands: readonly (Values | string)[];
  /** Whether X is bfloat16, which is fetched as float32. */
  readonly isNarrow: boolean;
}

function planOf(reached: Reached, model: Model, lookup: Lookup, isBfloat16: (name: string) => boolean): Plan {
  const { node, y } = reached;
  const [x = "", ...parameters] = node.node.input;
  const tap = (name: string): Tap => ({ name, as: isBfloat16(name) ? "float32" : "value" });
  const operands = parameters.filter((name) => name !== "").map((name) => heldIn(lookup, name) ?? name);
  const computed = operands.filter((one) => typeof one === "string");
  const outputs = y ? [node.node.output[0] ?? "", ...runningOutputs(node, model)] : [];
  return { reached, operands, taps: [x, ...outputs, ...computed].map(tap), isNarrow: isBfloat16(x) };
}

/** running_mean and running_var, in training from operator set 14 on. */
function runningOutputs(node: ComparedNode, model: Model): string[] {
  const training = node.operator === "BatchNormalization" && node.training && opsetOf(model) >= 14;
  return training ? node.node.output.slice(1, 3) : [];
}

function heldIn(lookup: Lookup, name: string): Values | null {
  const numbers = constantIn(lookup, name);
  return numbers && { data: numbers.data, dtype: numbers.dtype, narrow: null, shape: numbers.dims };
}

/** The inputs and outputs of a node, or a text that says why they cannot be compared. */
async function nodeValues(
  { node, y, why }: Reached,
  values: ReadonlyMap<string, Source>,
  operands: Plan["operands"],
  isNarrow: boolean,
): Promise<Omit<NodeValues, "layer"> | string> {
  const [name = ""] = node.node.input;
  const source = values.get(name);
  if (!source) return `ONNX Runtime gives no value of X, tensor "${name}"`;
  const x = readableOf(source, isNarrow ? "bfloat16" : null);
  if (x === null) return `X is ${source.type}, which no backend supports`;
  const allOf = async (found: Source | undefined) => (found ? valuesOf(await wholeOf(found), null) : null);
  const taken: Values[] = [];
  for (const one of operands) {
    const found = typeof one === "string" ? await allOf(values.get(one)) : one;
    if (!found) return `ONNX Runtime gives no numbers for tensor "${one}"`;
    taken.push(found);
  }
  const outputOf = (i: number) => (y ? values.get(node.node.output[i] ?? "") : undefined);
  const training = node.operator === "BatchNormalization" && node.training;
  const [mean, variance] = training ? [await allOf(outputOf(1)), await allOf(outputOf(2))] : [null, null];
  const running = mean && variance ? { mean: mean.data, variance: variance.data } : null;
  const top = outputOf(0);
  return { x, operands: taken, y: (top && readableOf(top, null)) ?? null, why, running };
}

function distinct(taps: readonly Tap[]): Tap[] {
  return [...new Map(taps.filter(({ name }) => name !== "").map((tap) => [tap.name, tap])).values()];
}
