import type { Network, NetworkLayer } from "../net/network.ts";

/** Layers whose top has the channels of their first bottom. */
const SAME = new Set(
  "AbsVal BN BNLL BatchNorm Bias Clip Dropout ELU Eltwise Exp LRN Log MVN PReLU Pooling Power ReLU Scale Sigmoid Softmax Split Swish TanH Threshold".split(
    " ",
  ),
);

type Rule = (layer: NetworkLayer, bottoms: readonly (number | null)[], top: number) => number | null;

const RULES: Readonly<Record<string, Rule>> = {
  Input: ({ param }, _, top) => {
    const shapes = param.inputParam?.shape ?? [];
    const dim = (shapes[top] ?? shapes[0])?.dim[1];
    return dim === undefined ? null : Number(dim);
  },
  Convolution: ({ param }) => param.convolutionParam?.numOutput ?? null,
  Deconvolution: ({ param }) => param.convolutionParam?.numOutput ?? null,
  InnerProduct: ({ param }) => (param.innerProductParam?.axis === 1 ? param.innerProductParam.numOutput : null),
  Concat: ({ param }, bottoms) => {
    const { axis, concatDim } = param.concatParam ?? { axis: 1, concatDim: 1 };
    if (axis !== 1 || concatDim !== 1) return null;
    return bottoms.reduce<number | null>((sum, one) => (sum === null || one === null ? null : sum + one), 0);
  },
};

/** The channels of each layer's first bottom as the net declares them, by the layer's index; null if it does not. */
export function channelsByNet({ layers }: Network): readonly (number | null)[] {
  const tops = layers.map((): (number | null)[] => []);
  return layers.map((layer) => {
    const bottoms = layer.bottoms.map(({ layer: maker, top }) => tops[maker]?.[top] ?? null);
    const rule = RULES[layer.type] ?? (SAME.has(layer.type) ? () => bottoms[0] ?? null : () => null);
    tops[layer.index] = layer.tops.map((_, top) => rule(layer, bottoms, top));
    return bottoms[0] ?? null;
  });
}
