import { BnError, type Shape } from "@bn/core";
import type { NodeProto } from "onnx-buf";
import type { ReadExternal } from "../graph/external.ts";
import type { Model } from "../graph/proto.ts";
import { createExtractor, type Extract, inputName, type Tap } from "./extract.ts";
import { checkNames, hasOpenSize, type InputPlan, makeInput, planInputs } from "./inputs.ts";
import { sizesIn } from "./open-sizes.ts";
import type { Loaded, Runtime, Tensor } from "./runtime.ts";
import { fedAs, isWhole, typeNameOf } from "./values.ts";
import { varianceInputs } from "./variances.ts";

/** Sizes that are tried for open axes, in this order, because networks need different divisors. */
const SIZES = [64, 224, 256, 32, 48, 28, 112, 299];

/** The inputs for the network: given values, or values generated from `seed`, of these shapes. */
export interface Given {
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly feeds: ReadonlyMap<string, Tensor>;
  readonly seed: string;
  readonly external: ReadExternal | undefined;
  readonly signal: AbortSignal | undefined;
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
  /** The nodes that tensors depend on. */
  needs(names: readonly string[]): ReadonlySet<NodeProto>;
  /** Must be called after the model was changed. */
  changed(): void;
  /** The inputs that were used so far, in the network's order. */
  inputs(): InputPlan[];
  /** The values of these inputs, by name. */
  values(): Readonly<Record<string, Tensor>>;
}

interface Choice {
  readonly size: number;
  readonly flat: boolean;
}

export function createTaps(model: Model, runtime: Runtime, given: Given): Taps {
  checkNames(model, [...given.shapes.keys(), ...given.feeds.keys()]);
  let extractor = createExtractor(model, given.external, given.failures);
  let sizeOf = sizesIn(model);
  let variances = varianceInputs(model);
  const read = new Map<string, { plan: InputPlan; tensor: Tensor }>();
  let chosen: Choice | null = null;
  const shapes = new Map([...given.shapes, ...[...given.feeds].map(([name, { shape }]) => [name, shape] as const)]);

  const plansFor = ({ inputs }: Extract, { size }: Choice) => {
    const known = new Map([...[...read].map(([name, { plan }]) => [name, plan.shape] as const), ...shapes]);
    return planInputs(inputs, sizeOf, { shapes: known, size });
  };
  const feedsFor = (plans: readonly InputPlan[], { flat }: Choice) =>
    plans.map((plan) => {
      const tensor = read.get(plan.name)?.tensor ?? fed(plan, given.feeds.get(plan.name));
      return { plan, tensor: tensor ?? makeInput(plan, given.seed, variances.has(plan.name), flat) };
    });

  async function run(loaded: Loaded, part: Extract): Promise<ReadonlyMap<string, Tensor>> {
    let failure: { error: BnError; tried: string } | null = null;
    const tried = new Set<string>();
    for (const choice of chosen ? [chosen] : choices(part)) {
      given.signal?.throwIfAborted();
      const plans = plansFor(part, choice);
      const text = plans.map(({ name, shape }) => `"${name}" [${shape}]`).join(", ");
      if (tried.has(`${text} ${choice.flat}`)) continue; // no size is open, so another choice would be the same
      tried.add(`${text} ${choice.flat}`);
      const fedNow = feedsFor(plans, choice);
      const feeds = part.inputs.map(
        (input, i) => [inputName(input), (fedNow[i] as { tensor: Tensor }).tensor] as const,
      );
      try {
        const outputs = await loaded.run(new Map(feeds.map(([name, tensor]) => [name, fedTensor(tensor)])));
        if (part.inputs.length > 0) chosen ??= choice;
        for (const entry of fedNow) read.set(entry.plan.name, entry);
        return outputs;
      } catch (error) {
        if (!(error instanceof BnError) || !/^ONNX Runtime does not run/.test(error.message) || !loaded.alive())
          throw error;
        failure ??= { error, tried: text };
      }
    }
    if (failure === null) throw new BnError("ERR_BN_DATA", "ONNX Runtime does not run the model: it has no inputs");
    const isOpen = part.inputs.some((input) => !shapes.has(input.name) && hasOpenSize(input));
    const cure = isOpen ? "; pass the shapes that it expects, e.g. bn verify --shape NAME=1,3,224,224" : "";
    const with_ = failure.tried === "" ? "" : `; tried with inputs ${failure.tried}${cure}`;
    throw new BnError("ERR_BN_DATA", `${failure.error.message}${with_}`, { cause: failure.error });
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
    async fetch(taps) {
      const part = await extractor.extract(taps);
      const loaded = await runtime.load(part.bytes);
      try {
        const outputs = await run(loaded, part);
        const found = taps.flatMap(({ name, as }, i) => {
          const tensor = outputs.get(part.outputs[i] as string);
          return tensor ? [[name, as === "shape" ? { ...tensor, shape: sizesOf(tensor) } : tensor] as const] : [];
        });
        return new Map(found);
      } finally {
        await loaded.release().catch(() => {}); // the process may have ended already
      }
    },
  };
}

/** The choices to try: sizes for open axes, and zeros if integers may be indices. */
function choices({ inputs }: Extract): Choice[] {
  const whole = inputs.some(
    ({ type }) => type?.value.case === "tensorType" && isWhole(typeNameOf(type.value.value.elemType) ?? ""),
  );
  return (whole ? [false, true] : [false]).flatMap((flat) => SIZES.map((size) => ({ size, flat })));
}

/** The output of Shape as a shape. */
function sizesOf({ data }: Tensor): number[] {
  return Array.from(data as BigInt64Array, Number);
}

/** Checks that a given tensor has the input's type. Its shape was checked before. */
function fed(input: InputPlan, tensor: Tensor | undefined): Tensor | null {
  if (tensor === undefined) return null;
  const taken = fedAs(tensor, input.type);
  if (taken) return taken;
  throw new BnError(
    "ERR_BN_PARAM",
    `verifyModel: the tensor given for input "${input.name}" is ${tensor.type}, the model expects ${input.type}; convert it`,
  );
}

/** Narrow types are fed as float32. */
function fedTensor(tensor: Tensor): Tensor {
  return /^b?float16$/.test(tensor.type) ? { ...tensor, type: "float32" } : tensor;
}
