import { BnError, type Shape } from "@bn/core";
import type { NodeProto } from "onnx-buf";
import { dataError, paramError } from "../graph/errors.ts";
import type { ReadExternal } from "../graph/external.ts";
import { type Model, tensorTypeOf } from "../graph/proto.ts";
import { createExtractor, type Extract, inputName, type Tap } from "./extract.ts";
import { checkNames, checkTypes, hasOpenSize, type InputPlan, makeInput, planInputs } from "./inputs.ts";
import { type Feed, inMemory, isMade, type Source, sourceOf, wholeOf } from "./large.ts";
import { sizesIn } from "./open-sizes.ts";
import type { Loaded, Runtime, Tensor } from "./runtime.ts";
import { fedAs, isWhole, typeNameOf } from "./values.ts";
import { varianceInputs } from "./variances.ts";

/** Sizes that are tried for open axes, in this order, because networks need different divisors. */
const SIZES = [64, 224, 256, 32, 48, 28, 112, 299];

/** The inputs of a network that is run, and what a run needs. */
export interface InputOptions {
  /** Shapes of inputs by name, for axes that the model leaves open. */
  readonly shapes?: Readonly<Record<string, Shape>> | undefined;
  /** Values of inputs by name; other inputs get generated values. Their shapes replace `shapes`. */
  readonly feeds?: Readonly<Record<string, Tensor>> | undefined;
  /** Reads the files that the model keeps data in; `openModel` of `@bn/onnx/node` gives it. */
  readonly external?: ReadExternal | undefined;
  /** The seed of generated inputs. The same seed gives the same input. Default "bn". */
  readonly seed?: string | undefined;
  /** Checked between the parts of the work; an aborted signal rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The same for a model that is ready to run. */
export interface Given extends Omit<InputOptions, "feeds"> {
  readonly feeds?: Readonly<Record<string, Feed>> | undefined;
  /** Nodes that cannot be run, with the reason. */
  readonly failures: ReadonlyMap<NodeProto, BnError>;
}

/** Fetches tensors of one network for one input. */
export interface Taps {
  /**
   * The tensors by their names. Only the parts of the network that they need are run.
   *
   * Errors: `ERR_BN_DATA` if ONNX Runtime does not load or run that part of the network.
   */
  fetch(taps: readonly Tap[]): Promise<ReadonlyMap<string, Tensor>>;
  /** The same, to be read in pieces before the next call. With `apart`, they are too large to be in memory together. */
  open(taps: readonly Tap[], apart: boolean): Promise<ReadonlyMap<string, Source>>;
  /** The nodes that tensors depend on. */
  needs(names: readonly string[]): ReadonlySet<NodeProto>;
  /** Must be called after the model was changed. */
  changed(): void;
  /** The inputs that were used so far, in the network's order. */
  inputs(): InputPlan[];
  /** The values of these inputs, by name. */
  values(): Readonly<Record<string, Feed>>;
}

interface Choice {
  readonly size: number;
  readonly flat: boolean;
}

export function createTaps(model: Model, runtime: Runtime, given: Given): Taps {
  const { seed = "bn" } = given;
  const feeds = new Map(Object.entries(given.feeds ?? {}));
  const shapes = new Map([
    ...Object.entries(given.shapes ?? {}),
    ...[...feeds].map(([name, { shape }]) => [name, shape] as const),
  ]);
  checkNames(model, shapes.keys());
  let extractor = createExtractor(model, given.external, given.failures);
  let sizeOf = sizesIn(model);
  let variances = varianceInputs(model);
  const read = new Map<string, { plan: InputPlan; tensor: Feed }>();
  let chosen: Choice | null = null;

  const plansFor = ({ inputs }: Extract, { size }: Choice) => {
    const known = new Map([...[...read].map(([name, { plan }]) => [name, plan.shape] as const), ...shapes]);
    return planInputs(inputs, sizeOf, { shapes: known, size });
  };
  const feedsFor = (plans: readonly InputPlan[], { flat }: Choice) =>
    plans.map((plan) => {
      const tensor = read.get(plan.name)?.tensor ?? fed(plan, feeds.get(plan.name));
      return { plan, tensor: tensor ?? makeInput(plan, seed, variances.has(plan.name), flat) };
    });

  async function run(loaded: Loaded, part: Extract, apart: boolean): Promise<ReadonlyMap<string, Source>> {
    let failure: { error: BnError; tried: string } | null = null;
    const tried = new Set<string>();
    for (const choice of chosen ? [chosen] : choices(part)) {
      given.signal?.throwIfAborted();
      const plans = plansFor(part, choice);
      const text = plans.map(({ name, shape }) => `"${name}" [${shape}]`).join(", ");
      if (tried.has(`${text} ${choice.flat}`)) continue; // no size is open, so another choice would be the same
      tried.add(`${text} ${choice.flat}`);
      const fedNow = feedsFor(plans, choice);
      const inputs = part.inputs.map((input, i) => [inputName(input), (fedNow[i] as { tensor: Feed }).tensor] as const);
      try {
        const outputs = await runLarge(
          loaded,
          new Map(inputs.map(([name, tensor]) => [name, fedTensor(tensor)])),
          apart,
        );
        if (part.inputs.length > 0) chosen ??= choice;
        for (const entry of fedNow) read.set(entry.plan.name, entry);
        return outputs;
      } catch (error) {
        // Other sizes or values may run, unless the process has ended.
        if (!(error instanceof BnError) || error.code !== "ERR_BN_DATA" || !loaded.alive()) throw error;
        failure ??= { error, tried: text };
      }
    }
    if (failure === null) throw dataError("ONNX Runtime does not run the model: it has no inputs");
    const isOpen = part.inputs.some((input) => !shapes.has(input.name) && hasOpenSize(input));
    const cure = isOpen ? "; pass the shapes that it expects, e.g. bn verify --shape NAME=1,3,224,224" : "";
    const with_ = failure.tried === "" ? "" : `; tried with inputs ${failure.tried}${cure}`;
    throw dataError(`${failure.error.message}${with_}`, failure.error);
  }

  return {
    needs: (names) => extractor.needs(names),
    changed() {
      extractor = createExtractor(model, given.external, given.failures);
      sizeOf = sizesIn(model);
      variances = varianceInputs(model);
    },
    inputs: () => model.graph.input.flatMap(({ name }) => read.get(name)?.plan ?? []),
    values: () => Object.fromEntries([...read].map(([name, { tensor }]) => [name, tensor])),
    open,
    async fetch(taps) {
      const sources = await open(taps, false);
      const found = taps.flatMap(({ name, as }) => {
        const source = sources.get(name);
        return source ? [{ name, as, source }] : [];
      });
      const tensors = found.map(async ({ name, as, source }) => {
        const tensor = await wholeOf(source);
        return [name, as === "shape" ? { ...tensor, shape: sizesOf(tensor) } : tensor] as const;
      });
      return new Map(await Promise.all(tensors));
    },
  };

  async function open(taps: readonly Tap[], apart: boolean): Promise<ReadonlyMap<string, Source>> {
    const part = await extractor.extract(taps);
    checkTypes(part.inputs);
    const loaded = await runtime.load(part.bytes);
    try {
      // Drawn numbers would be others in the next run.
      const outputs = await run(loaded, part, apart && !part.random);
      const found = taps.map(({ name }, i) => [name, outputs.get(part.outputs[i] as string)] as const);
      return new Map(found.filter((one): one is readonly [string, Source] => one[1] !== undefined));
    } finally {
      await loaded.release().catch(() => {}); // the process may have ended already
    }
  }
}

/** A runtime without `runLarge` gets and returns whole tensors. */
async function runLarge(
  loaded: Loaded,
  feeds: ReadonlyMap<string, Feed>,
  apart: boolean,
): Promise<ReadonlyMap<string, Source>> {
  if (loaded.runLarge) return loaded.runLarge(feeds, apart);
  const outputs = await loaded.run(new Map([...feeds].map(([name, feed]) => [name, inMemory(feed)])));
  return new Map([...outputs].map(([name, tensor]) => [name, sourceOf(tensor)]));
}

/** The choices to try: sizes for open axes, and zeros if integers may be indices. */
function choices({ inputs }: Extract): Choice[] {
  const whole = inputs.some((input) => isWhole(typeNameOf(tensorTypeOf(input)?.elemType ?? 0) ?? ""));
  return (whole ? [false, true] : [false]).flatMap((flat) => SIZES.map((size) => ({ size, flat })));
}

/** The output of Shape as a shape. */
function sizesOf({ data }: Tensor): number[] {
  return Array.from(data as BigInt64Array, Number);
}

/** Checks that a given tensor has the input's type. Its shape was checked before. */
function fed(input: InputPlan, tensor: Feed | undefined): Feed | null {
  if (tensor === undefined) return null;
  if (isMade(tensor)) return tensor;
  const taken = fedAs(tensor, input.type);
  if (taken) return taken;
  throw paramError(
    `verifyModel: input "${input.name}" got a ${tensor.type} tensor, and the model expects ${input.type}; convert it`,
  );
}

/** Narrow types are fed as float32. */
function fedTensor(tensor: Feed): Feed {
  return !isMade(tensor) && /^b?float16$/.test(tensor.type) ? { ...tensor, type: "float32" } : tensor;
}
