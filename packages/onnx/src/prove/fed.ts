import type { Shape } from "@bn/core";
import type { NodeProto } from "onnx-buf";
import type { Layer } from "../fold/layer.ts";
import { valueInfo } from "../graph/encode.ts";
import type { ReadExternal } from "../graph/external.ts";
import { altered, type Model } from "../graph/proto.ts";
import { createExtractor, inputName } from "../verify/extract.ts";
import type { Runtime, Tensor } from "../verify/runtime.ts";

/** A layer of the folded network, with its input. */
export interface Fed {
  readonly layer: Layer;
  readonly x: Tensor;
}

/** The outputs of layers of `model` on the inputs that each is given, side by side in one run. */
export async function runFed(
  model: Model,
  fed: readonly Fed[],
  runtime: Runtime,
  external: ReadExternal | undefined,
): Promise<readonly Tensor[]> {
  const inputs = fed.map(({ layer, x }, i) => valueInfo(`@bn/fed/${i}`, layer.tensor.dataType, x.shape as Shape));
  const clones = fed.flatMap(({ layer }, i) => cloned(layer, `@bn/fed/${i}`, `@bn/given/${i}`));
  const graph = altered(model.graph, {
    node: [...model.graph.node, ...clones],
    input: [...model.graph.input, ...inputs],
  });
  const extractor = createExtractor(altered(model, { graph }) as Model, external, new Map());
  const part = await extractor.extract(
    fed.map(({ layer }, i) => ({ name: `@bn/given/${i}`, as: isNarrow(layer) ? "float32" : "value" })),
  );
  const loaded = await runtime.load(part.bytes);
  try {
    const feeds = part.inputs.map((input) => {
      const at = Number(/\d+$/.exec(input.name)?.[0] ?? -1);
      return [inputName(input), (fed[at] as Fed).x] as const;
    });
    const found = await loaded.run(new Map(feeds));
    return part.outputs.map((name) => found.get(name) as Tensor);
  } finally {
    await loaded.release().catch(() => {}); // the process may have ended already
  }
}

/** Whether a layer's tensors are fetched and fed as float32, which loses nothing. */
function isNarrow({ values }: Layer): boolean {
  return values.narrow !== null;
}

/** The layer's node, and the Add that gives it a bias, between other tensors. */
function cloned({ node, biasNode, biasIndex }: Layer, x: string, y: string): NodeProto[] {
  const added = biasNode !== null && biasNode !== node;
  const inner = added ? `${y}/product` : y;
  const first = altered(node, { name: "", input: [x, ...node.input.slice(1)], output: [inner] });
  if (!added) return [first];
  const input = biasNode.input.map((name, i) => (i === biasIndex ? name : inner));
  return [first, altered(biasNode, { name: "", input, output: [y] })];
}
