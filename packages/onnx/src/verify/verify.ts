import { type Backend, BnError } from "@bn/core";
import type { NodeProto } from "onnx-buf";
import { diagnosePlaces, placesOf, suspect } from "../diagnose/diagnose.ts";
import { fileSuspicions } from "../diagnose/file.ts";
import { storedIn } from "../diagnose/suspicion.ts";
import { dataError, modelError } from "../graph/errors.ts";
import { type ReadModel, readModel } from "../graph/load.ts";
import type { Diagnostic } from "../layers/diagnostic.ts";
import { loadWeights } from "../layers/nodes.ts";
import type { NormRecord } from "../layers/record.ts";
import { suspicions } from "../layers/suspect.ts";
import { branchings, takeBranch } from "./branches.ts";
import { type ComparedNode, findNodes, type LeftNode } from "./nodes.ts";
import { prepare } from "./prepare.ts";
import { type Reached, reach } from "./reach.ts";
import type { VerifyReport, VerifyRow } from "./report.ts";
import { rowsOf } from "./rows.ts";
import type { Runtime } from "./runtime.ts";
import { createTaps, type InputOptions, type Taps } from "./taps.ts";
import { emptyRow } from "./verify-node.ts";

export interface VerifyOptions extends InputOptions {
  /**
   * The layers from which nodes were made, by the node's name. Backends run these layers, with blobs as stored, and
   * must give the node's result. Default: the node's own values with factor 1. Without this option, a model without
   * nodes is refused.
   */
  readonly layers?: ReadonlyMap<string, NormRecord>;
  /**
   * The runtime for the network. Default: ONNX Runtime in a separate process, `createRuntime()`, which ends with the
   * call.
   */
  readonly runtime?: Runtime;
  /** Called after each node, in the model's order. */
  readonly onRow?: (row: VerifyRow, done: number, total: number) => void;
}

/**
 * Runs a network in ONNX Runtime on a given or generated input. Every backend then repeats each normalization on the
 * input that the node had there.
 *
 * Math    BatchNormalization: y = (x - mean) / sqrt(variance + epsilon) * scale + B with a fused layer, in training
 *         with the batch's statistics, and one step of the running ones. InstanceNormalization, GroupNormalization and
 *         LayerNormalization: the same over another geometry, then Scale if gamma and beta are along other axes.
 * Shapes  X of any size, float32, float64, float16 or bfloat16; at the top level, in functions, which are inlined, and
 *         in branches of If that are taken. A node that ONNX Runtime cannot reach has a row that says why. Networks of
 *         operator sets 1 to 6 are rewritten as 7 first.
 * Errors  `ERR_BN_DATA`, naming node and tensor, for a model that cannot be read, or that ONNX Runtime cannot run at
 *         all; `ERR_BN_PARAM` for shapes or feeds that do not fit; `ERR_BN_UNAVAILABLE` without onnxruntime-node. A
 *         backend that disagrees, lacks the dtype or throws is not an error: its status says so. Backends are used one
 *         after another and not disposed.
 *
 * @example
 * ```ts
 * import { createCpu } from "@bn/cpu";
 * import { batchNormOf, buildModel } from "@bn/onnx";
 * import { verifyModel } from "@bn/onnx/verify";
 * const one = new Float32Array([1, 1]);
 * const { rows } = await verifyModel(buildModel(batchNormOf([one, one, [1], one, one])), [await createCpu()], { shapes: { X: [8, 2, 7, 7] } });
 * console.log(rows[0]!.node, rows[0]!.backends[0]!.status); // batch_norm passed
 * ```
 */
export async function verifyModel(
  bytes: Uint8Array,
  backends: readonly Backend[],
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const { signal } = options;
  const read = readModel(bytes);
  await loadWeights(read, options.external);
  const found = findNodes(read);
  const compared = found.filter((one): one is ComparedNode => "node" in one);
  if (compared.length === 0 && (found.length > 0 || !options.layers)) throw nothingIn(read, found);
  const { model } = read;
  const given = { ...options, failures: prepare(model) };
  const runtime = options.runtime ?? (await ownRuntime(signal));
  try {
    const taps = createTaps(model, runtime, given);
    const untaken = await takeBranches(read, taps);
    const top = new Set(model.graph.node);
    const reached = await reach(
      compared.filter(({ node }) => top.has(node)),
      taps,
    );
    const blocked = [...reached.values()].filter(({ shape }) => shape === null);
    if (blocked.length > 0 && blocked.length === reached.size) throw dataError(blocked[0]?.why ?? "");

    const rows: VerifyRow[] = [];
    const add = (row: VerifyRow) => {
      rows.push(row);
      options.onRow?.(row, rows.length, found.length);
    };
    const reachedOf = (one: ComparedNode | LeftNode) => ("node" in one ? reached.get(one) : undefined);
    const inOrder = found.map(reachedOf).filter((one) => one !== undefined && one.shape !== null);
    const work = rowsOf(inOrder as Reached[], { model, taps, backends, signal, layers: options.layers });
    for (const one of found) {
      const there = reachedOf(one);
      const next = there && there.shape !== null ? await work.next() : null;
      add(next && !next.done ? next.value : emptyRow(one, there?.why ?? whyNot(one, untaken), backends));
    }
    // Uses the same input, without generating it twice.
    const same = { ...given, feeds: taps.values() };
    const stored = storedIn(found);
    const shapeOf = new Map([...reached.values()].map(({ node, shape }) => [node.node, shape]));
    const places = placesOf(stored, ({ node }) => shapeOf.get(node));
    const measured = await diagnosePlaces(model, places, runtime, same);
    const suspected = [
      ...stored.flatMap((node) => suspicions(node.layer).map((what) => ({ node, what }))),
      ...fileSuspicions(model, stored),
    ].map(({ node, what }) => suspect(node, what));
    return { inputs: taps.inputs(), rows, diagnostics: [...measured, ...suspected, ...diagnosticsOf(found)] };
  } finally {
    if (!options.runtime) await runtime[Symbol.asyncDispose]();
  }
}

/** The module is loaded only when needed, because it starts processes, which a page cannot do. */
export async function ownRuntime(signal: AbortSignal | undefined): Promise<Runtime> {
  const { createRuntime } = await import("./process.ts");
  return createRuntime({ signal });
}

/**
 * Replaces each If that contains a normalization by the branch that is taken. Returns the nodes of the other branches.
 */
async function takeBranches({ model, origins }: ReadModel, taps: Taps): Promise<ReadonlySet<NodeProto>> {
  const untaken = new Set<NodeProto>();
  const tried = new Set<NodeProto>();
  for (;;) {
    const open = branchings(model).find(({ node }) => !tried.has(node));
    if (!open) return untaken;
    tried.add(open.node);
    try {
      const values = await taps.fetch([{ name: open.condition, as: "value" }]);
      const [taken] = (values.get(open.condition)?.data ?? []) as ArrayLike<number> & Iterable<number>;
      const other = takeBranch(model, open, Boolean(taken), origins);
      for (const node of other?.node ?? []) untaken.add(node);
      taps.changed();
    } catch (error) {
      if (!(error instanceof BnError) || error.code !== "ERR_BN_DATA") throw error;
      // Its nodes are named like those of a Loop.
    }
  }
}

function whyNot(one: ComparedNode | LeftNode, untaken: ReadonlySet<NodeProto>): string {
  if ("broken" in one) return one.broken;
  if (untaken.has(one.node)) return `lies in ${one.where}, which does not run for this input`;
  return `lies in ${one.where}: nodes inside Loop, Scan and SequenceMap are not compared; nodes inside a function are compared only if it is called and uses the model's own operator sets`;
}

function nothingIn({ model }: ReadModel, found: readonly (ComparedNode | LeftNode)[]): BnError {
  const broken = found.find((one) => "broken" in one);
  if (broken) return dataError(`${titled(broken)}: ${broken.broken}`);
  return modelError(
    `no BatchNormalization among the ${model.graph.node.length} nodes of the graph, and no InstanceNormalization, GroupNormalization or LayerNormalization, which are also compared; if the export fused them into convolutions, export the model without fusion`,
  );
}

const titled = ({ operator, label, where }: { operator: string; label: string; where: string }) =>
  `${operator} ${label}${where === "" ? "" : ` in ${where}`}`;

function diagnosticsOf(found: readonly (ComparedNode | LeftNode)[]): Diagnostic[] {
  return found.flatMap((one): Diagnostic[] => {
    const say = (kind: Diagnostic["kind"], what: string) => ({
      kind,
      node: one.name,
      message: `${titled(one)}: ${what}`,
    });
    if ("broken" in one) return [say("damaged", one.broken)];
    if (one.operator !== "BatchNormalization") return [];
    return [...one.assumed.map((what) => say("assumed", what)), ...one.ignored.map((what) => say("remark", what))];
  });
}
