import {
  type Backend,
  type BatchNormScaleParams,
  type Blob,
  createBatchNorm,
  createBatchNormScale,
  createBlob,
  type Dtype,
  type Layer,
  type Shape,
} from "@bn/core";

/** A bottom and the state of a layer, on the host. */
export interface LayerInput {
  readonly x: ArrayLike<number>;
  readonly shape: Shape;
  readonly dtype: Dtype;
  /** The contents of mean, variance, factor, then gamma and beta: 3 blobs for BatchNorm, 4 or 5 for the fused layer. */
  readonly blobs: readonly ArrayLike<number>[];
}

/** A layer after one forward. `dispose` frees the layer and its blobs. */
export interface Ran {
  readonly layer: Layer;
  readonly top: Blob;
  dispose(): void;
}

/** Creates a layer of @bn/core on `backend` with the given state. `forward` runs it, and `dispose` frees it. */
export function createLayer(
  backend: Backend,
  { x, shape, dtype, blobs }: LayerInput,
  params: BatchNormScaleParams,
): Ran & { forward(): void } {
  const made: Disposable[] = [];
  const own = <T extends Disposable>(resource: T): T => {
    made.push(resource);
    return resource;
  };
  const dispose = () => {
    for (const resource of made.reverse()) resource[Symbol.dispose]();
  };
  try {
    const layer = own(
      blobs.length > 3 ? createBatchNormScale({ ...params, biasTerm: blobs.length > 4 }) : createBatchNorm(params),
    );
    const [bottom, top] = [own(createBlob(backend, shape, dtype)), own(createBlob(backend, shape, dtype))];
    bottom.write(x);
    layer.setUp([bottom], [top]);
    for (const [i, values] of blobs.entries()) layer.blobs[i]?.write(values);
    return { layer, top, dispose, forward: () => layer.forward([bottom], [top]) };
  } catch (error) {
    dispose();
    throw error;
  }
}
