import type * as core from "@bn/core";
import { over } from "./over.ts";

type Core = typeof core;
type Layer = core.Layer;

/** Core with one planted bug above the kernels: layers that wrap the real ones. */
export interface LayerMutant {
  readonly bug: string;
  readonly clause: string;
  readonly mutate: (real: Core) => Partial<Core>;
}

/** Wraps all three layers in the same way. */
function layers(bug: string, clause: string, wrap: (layer: Layer) => Partial<Layer>): LayerMutant {
  const wrapped =
    <P, L extends Layer>(create: (params?: P) => L) =>
    (params?: P): L => {
      const layer = create(params);
      return over(layer, wrap(layer));
    };
  return {
    bug,
    clause,
    mutate: ({ createBatchNorm, createBatchNormScale, createScale }) => ({
      createBatchNorm: wrapped(createBatchNorm),
      createBatchNormScale: wrapped(createBatchNormScale),
      createScale: wrapped(createScale),
    }),
  };
}

export const layerMutants: readonly LayerMutant[] = [
  {
    bug: "data allocated as soon as the blob is made",
    clause: "B-3",
    mutate: ({ createBlob }) => ({
      createBlob<B extends core.DeviceBuffer, D extends core.Dtype = "float32">(
        ...args: Parameters<typeof core.createBlob<B, D>>
      ) {
        const blob = createBlob<B, D>(...args);
        blob.data.length;
        return blob;
      },
    }),
  },
  layers("propagateDown ignored", "L-6", (layer) => ({
    backward: (top, propagateDown, bottom) =>
      layer.backward(
        top,
        propagateDown.map(() => true),
        bottom,
      ),
  })),
  layers("clearParamDiffs does nothing", "L-5", () => ({ clearParamDiffs() {} })),
  layers("forward without reshape: top keeps its first shape", "L-2", (layer) => ({
    forward(bottom, top) {
      const shape = top[0]?.shape ?? [];
      layer.forward(bottom, top);
      if (top[0] !== bottom[0]) top[0]?.reshape(shape);
    },
  })),
  layers("top is reshaped before there is memory for it", "L-1", (layer) => ({
    forward(bottom, top) {
      if (top[0] !== bottom[0]) top[0]?.reshape(bottom[0]?.shape ?? []);
      layer.forward(bottom, top);
    },
  })),
  layers("a backward that fails has already changed bottom's diff", "L-1", (layer) => ({
    backward(top, propagateDown, bottom) {
      bottom[0]?.writeDiff(new Float32Array(bottom[0].count()));
      layer.backward(top, propagateDown, bottom);
    },
  })),
  {
    bug: "updateStats: false ignored",
    clause: "BN-7",
    mutate: ({ createBatchNorm }) => ({
      createBatchNorm: (params) => createBatchNorm({ ...params, updateStats: true }),
    }),
  },
  {
    bug: "phase test normalizes with the batch's statistics",
    clause: "BN-3",
    mutate: ({ createBatchNorm }) => ({
      createBatchNorm: (params = {}) => createBatchNorm({ ...params, useGlobalStats: params.useGlobalStats ?? false }),
    }),
  },
  {
    bug: "an empty filler fills with 1",
    clause: "S-3",
    mutate: ({ createScale }) => ({
      createScale({ filler, ...params } = {}) {
        return createScale(filler ? { ...params, filler: { value: 1, ...filler } } : params);
      },
    }),
  },
  {
    bug: "blobs of a parameter disposed with the layer that borrowed them",
    clause: "L-8",
    mutate: ({ createBatchNorm }) => ({
      createBatchNorm(params = {}) {
        const layer = createBatchNorm(params);
        const dispose = layer.dispose.bind(layer);
        layer.dispose = () => {
          for (const blob of params.blobs ?? []) blob.dispose();
          dispose();
        };
        return layer;
      },
    }),
  },
];
