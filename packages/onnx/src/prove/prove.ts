import { attemptsOf, type FoldAttempts } from "../fold/attempts.ts";
import { type CheckFoldRow, judgeMatch, type Match, matchFolds } from "../fold/check-fold.ts";
import type { FoldOptions } from "../fold/fold.ts";
import type { FoldedLayer, Layer } from "../fold/layer.ts";
import { tasksOf } from "../fold/tasks.ts";
import type { ReadExternal } from "../graph/external.ts";
import { readWhole } from "../graph/load.ts";
import { groupsWithin } from "../verify/groups.ts";
import { inputNames } from "../verify/inputs.ts";
import type { Runtime, Tensor } from "../verify/runtime.ts";
import type { InputOptions } from "../verify/taps.ts";
import { ownRuntime } from "../verify/verify.ts";
import { runFed } from "./fed.ts";
import { openNetwork, type RunNetwork, tapOf } from "./network.ts";
import { compareOutputs, numbersIn } from "./outputs.ts";
import { proveLayer, unproven } from "./prove-layer.ts";
import type { FoldProof, ProofRow } from "./report.ts";

export interface ProveOptions extends InputOptions {
  /** Reads the files that the folded model keeps data in. */
  readonly foldedExternal?: ReadExternal;
  /**
   * The options of `foldModel`, if it made the fold. They determine the layer that a normalization had to be folded
   * into.
   */
  readonly fold?: Omit<FoldOptions, "external">;
  /** The runtime for the networks. Default: `createRuntime()`, which ends with the call. */
  readonly runtime?: Runtime;
  /** Called after each layer. */
  readonly onRow?: (row: ProofRow, done: number, total: number) => void;
}

/** The bytes of tensors that are kept in memory at a time. */
const GROUP = 2 ** 27;

/** A folded layer, with the tensors of the original at its beginning and end. */
interface Work {
  readonly match: Match;
  readonly verdict: CheckFoldRow;
  readonly before: Layer;
  /** The layer in the folded network, with its weights there; null if no layer matches. */
  readonly after: { readonly layer: Layer; readonly attempt: FoldAttempts["layers"][number] } | null;
  readonly x: string;
  readonly y: string;
}

/**
 * Runs a network and its folded form, and judges every layer that contains normalizations now.
 *
 * Math    each folded layer gets the input of the original layer, and must give the original's output after its last
 *         normalization. Every output must be within the bound of its channel, which follows from the weights and the
 *         largest magnitude of each input channel in this run. Some outputs per channel, including the worst, are
 *         compared with float64 within a bound of their own. The weights are compared with float64 within F-5.
 * Errors  `ERR_BN_DATA`: a model that cannot be read or run; `ERR_BN_PARAM`: shapes or feeds that do not fit;
 *         `ERR_BN_UNAVAILABLE`: onnxruntime-node is missing. A wrong layer is not an error: its row reports it.
 * Source  docs/folding.md, F-3 to F-6.
 *
 * @example
 * ```ts
 * import { batchNormOf, buildModel } from "@bn/onnx";
 * import { proveFold } from "@bn/onnx/verify";
 * const one = new Float32Array([1, 1]);
 * const model = buildModel(batchNormOf([one, one, [1], one, one]), { shape: [1, 2, 4, 4] });
 * const { rows, outputs } = await proveFold(model, model); // nothing can be folded, and nothing was
 * console.log(rows.length, outputs[0]!.error); // 0 0
 * ```
 */
export async function proveFold(
  original: Uint8Array,
  folded: Uint8Array,
  options: ProveOptions = {},
): Promise<FoldProof> {
  const { foldedExternal, signal, onRow } = options;
  const work = await workOf(original, folded, options);
  const runtime = options.runtime ?? (await ownRuntime(signal));
  try {
    const one = openNetwork(original, runtime, options);
    const expected = await one.outputs();
    // The folded network may read less: an input that only a normalization read is gone.
    const known = new Set(inputNames(folded));
    const feeds = Object.fromEntries(Object.entries(one.taps.values()).filter(([name]) => known.has(name)));
    const two = openNetwork(folded, runtime, { feeds, seed: options.seed, external: foldedExternal, signal });
    const outputs = compareOutputs(expected, await two.outputs());
    const rows: ProofRow[] = [];
    const sizeOf = await one.sizes(work.flatMap(({ x, y }) => [x, y]));
    for (const group of groupsWithin(GROUP, work, ({ x, y }) => 8 * (sizeOf(x) + 3 * sizeOf(y)))) {
      signal?.throwIfAborted();
      for (const row of await rowsOf(group, one, two, runtime, foldedExternal)) {
        rows.push(row);
        onRow?.(row, rows.length, work.length);
      }
    }
    return { inputs: one.taps.inputs(), rows, outputs };
  } finally {
    if (!options.runtime) await runtime[Symbol.asyncDispose]();
  }
}

/** The layers to be proven. The models are read again, because folding changes them. */
async function workOf(original: Uint8Array, folded: Uint8Array, options: ProveOptions): Promise<Work[]> {
  const { found: given, layers } = tasksOf(await readWhole(original, options.external), options.fold ?? {});
  const { found: attempts, layers: others } = attemptsOf(await readWhole(folded, options.foldedExternal));
  return matchFolds(given, attempts).flatMap((match, i): Work[] => {
    if (!match.folded) return [];
    const { layer: before, steps, x, y } = layers[i] as FoldedLayer;
    const gone = steps.filter((step) => match.task.steps.includes(step));
    const [layer, attempt] = [others[match.index ?? -1], attempts.layers[match.index ?? -1]];
    return [
      {
        ...{ match, before, verdict: judgeMatch(match, given, attempts) },
        after: layer && attempt ? { layer, attempt } : null,
        x: gone.findLast(({ side }) => side === "before")?.x ?? x,
        y: gone.findLast(({ side }) => side === "behind")?.y ?? y,
      },
    ];
  });
}

async function rowsOf(
  group: readonly Work[],
  one: RunNetwork,
  two: RunNetwork,
  runtime: Runtime,
  external: ReadExternal | undefined,
): Promise<ProofRow[]> {
  const values = await one.fetch(group.flatMap(({ x, y, before }) => [tapOf(x, before), tapOf(y, before)]));
  const valuesIn = (from: ReadonlyMap<string, Tensor>, name: string) => {
    const tensor = from.get(name);
    return { data: (tensor && numbersIn(tensor)) ?? [], shape: tensor?.shape ?? [] };
  };
  const there = group.flatMap(({ after, x }) => {
    const tensor = values.get(x);
    return after && tensor ? [{ layer: after.layer, x: tensor }] : [];
  });
  const fed = await runFed(two.model, there, runtime, external);
  const whole = await two.fetch(there.map(({ layer }) => tapOf(endOf(layer), layer)));
  return group.map(({ match: { task }, verdict, before: layer, after, x, y }) => {
    const own = fed[there.findIndex((item) => item.layer === after?.layer)];
    if (!after || !own) return unproven(task, verdict, layer.values.narrow ?? layer.values.dtype, verdict.evidence);
    return proveLayer({
      ...{ task, layer, verdict, attempt: after.attempt },
      ...{ x: valuesIn(values, x), original: valuesIn(values, y).data },
      fed: { data: numbersIn(own) ?? [], shape: own.shape },
      network: valuesIn(whole, endOf(after.layer)).data,
    });
  });
}

/** The tensor that a layer computes, including its bias. */
function endOf({ node, biasNode }: Layer): string {
  return (biasNode ?? node).output[0] ?? "";
}
