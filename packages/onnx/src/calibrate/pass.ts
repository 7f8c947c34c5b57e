import type { BatchMoments } from "@bn/core";
import { dataError } from "../graph/errors.ts";
import { parseModel } from "../graph/proto.ts";
import { createExtractor, inputName } from "../verify/extract.ts";
import { prepare } from "../verify/prepare.ts";
import type { Loaded, Runtime, Tensor } from "../verify/runtime.ts";
import { whyUnfit } from "./data/data.ts";
import { instrument, type MomentNames, type Role } from "./instrument.ts";
import type { ChosenNode } from "./nodes.ts";
import type { Subject } from "./subject.ts";

/** A network, loaded in ONNX Runtime, that measures the inputs of some of its nodes. */
export interface Pass extends AsyncDisposable {
  /**
   * The moments of one batch by node.
   *
   * Errors: `ERR_BN_DATA` if ONNX Runtime refuses the model or the batch, or if moments are not finite; the message
   * names node and batch.
   */
  run(feeds: ReadonlyMap<string, Tensor>, batch: number): Promise<ReadonlyMap<ChosenNode, BatchMoments>>;
}

interface Ready {
  readonly bytes: Uint8Array;
  readonly loaded: Loaded;
  readonly moments: ReadonlyMap<ChosenNode, MomentNames>;
  /** The name under which each input is fed. */
  readonly names: ReadonlyMap<string, string>;
}

export function createPass(subject: Subject, runtime: Runtime, roleOf: (node: ChosenNode) => Role): Pass {
  let ready: Ready | null = null;
  const release = async () => {
    await ready?.loaded.release().catch(() => {}); // the process may have ended already
    ready = null;
  };
  return {
    async run(feeds, batch) {
      const samples = [...feeds.values()][0]?.shape[0] ?? 0;
      const bytes = subject.modelFor(samples);
      if (ready?.bytes !== bytes) {
        await release();
        ready = await load(subject, bytes, runtime, roleOf);
      }
      const { loaded, moments, names } = ready;
      checkFeeds(subject, feeds);
      const fed = new Map([...names].map(([name, as]) => [as, feeds.get(subject.portOf(name)) as Tensor]));
      const outputs = await loaded.run(fed);
      return new Map([...moments].map(([node, of]) => [node, momentsOf(node, of, outputs, batch)]));
    },
    [Symbol.asyncDispose]: release,
  };
}

/** Errors: `ERR_BN_DATA` if the network cannot read these feeds. */
function checkFeeds({ ports }: Subject, feeds: ReadonlyMap<string, Tensor>): void {
  for (const port of ports) {
    const fed = feeds.get(port.name);
    // Narrow types arrive widened.
    const type = fed?.type === "float32" && port.type.endsWith("float16") ? port.type : (fed?.type ?? "");
    const unfit = fed
      ? whyUnfit(type, fed.shape, port)
      : `is missing; there are data for ${[...feeds.keys()].join(", ")}`;
    if (unfit !== null) throw dataError(`the data for input "${port.name}" ${unfit}`);
  }
}

async function load(
  subject: Subject,
  bytes: Uint8Array,
  runtime: Runtime,
  roleOf: (node: ChosenNode) => Role,
): Promise<Ready> {
  const model = parseModel(bytes);
  const failures = prepare(model);
  const { model: measuring, moments } = instrument(model, subject.nodes, roleOf);
  const taps = [...moments.values()].flatMap(({ shift, low, m2, count }) => [shift, low, m2, count]);
  const extractor = createExtractor(measuring, subject.external, failures);
  const part = await extractor.extract(taps.map((name) => ({ name, as: "value" })));
  const names = new Map(part.inputs.map((input) => [input.name, inputName(input)]));
  return { bytes, loaded: await runtime.load(part.bytes), moments, names };
}

function momentsOf(
  { name, layer }: ChosenNode,
  names: MomentNames,
  outputs: ReadonlyMap<string, Tensor>,
  batch: number,
): BatchMoments {
  const vector = (what: keyof MomentNames) => Float64Array.from(outputs.get(names[what])?.data as Float64Array);
  const [mean, meanLow, m2] = [vector("shift"), vector("low"), vector("m2")];
  const [count = 0] = vector("count");
  for (let c = 0; c < layer.channels; c++) {
    const value = [mean[c], meanLow[c], m2[c]].find((one) => !Number.isFinite(one));
    if (value === undefined && mean.length === layer.channels) continue;
    throw dataError(
      `BatchNormalization "${name}": its input has no finite mean and variance in channel ${c}, batch ${batch}: the network overflows or gives NaN on this data; check the data and the layers before this node`,
    );
  }
  // For a constant channel, rounding may give a value slightly below 0.
  return { count, mean, meanLow, m2: m2.map((squares) => Math.max(0, squares)) };
}
