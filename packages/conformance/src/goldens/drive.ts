import {
  type Backend,
  type Blob,
  createBatchNorm,
  createBlob,
  createScale,
  type HostArray,
  type Layer,
} from "@bn/core";
import { seenBy } from "./seen.ts";
import type { GoldenCase, GoldenForward, GoldenLayer, GoldenTensor } from "./types.ts";

/** The results of core's layers for a case: the blobs after setUp, and every output in the order of `outputsOf`. */
export interface Driven {
  readonly initialBlobs: readonly (readonly HostArray[])[];
  readonly outputs: readonly HostArray[];
}

interface Placed {
  readonly golden: GoldenLayer;
  readonly layer: Layer;
  readonly bottom: readonly Blob[];
  readonly top: readonly [Blob];
}

/**
 * Replays the steps of a case on the layers of @bn/core, with the same layer objects throughout. Before each step a
 * layer gets the input of Caffe's layer, so that each step is judged on its own.
 */
export async function drive(backend: Backend, one: GoldenCase): Promise<Driven> {
  const owned: Disposable[] = [];
  const own = <T extends Disposable>(resource: T): T => {
    owned.push(resource);
    return resource;
  };
  try {
    return await replaySteps(backend, one, own);
  } finally {
    for (const resource of owned.reverse()) resource[Symbol.dispose]();
  }
}

async function replaySteps(backend: Backend, one: GoldenCase, own: <T extends Disposable>(r: T) => T): Promise<Driven> {
  const outputs: HostArray[] = [];
  let initialBlobs: HostArray[][] = [];
  let placed: Placed[] = [];
  for (const [at, step] of one.steps.entries()) {
    if (step.op === "clear_param_diffs") {
      for (const { layer } of placed) layer.clearParamDiffs();
    } else if (step.op === "forward") {
      if (placed.length === 0) {
        placed = place(backend, one, step, own);
        initialBlobs = await setUp(placed);
      } else {
        for (const [i, { layer }] of placed.entries()) write(layer.blobs, seenBy(one, at, i).blobs);
      }
      for (const [i, { layer, bottom, top }] of placed.entries()) {
        write(bottom, seenBy(one, at, i).bottom);
        layer.forward(bottom, top);
        outputs.push(await top[0].read());
        for (const blob of layer.blobs) outputs.push(await blob.read());
      }
    } else {
      for (const [i, { golden, layer, bottom, top }] of [...placed.entries()].reverse()) {
        const { topDiff, blobDiffs } = seenBy(one, at, i);
        top[0].writeDiff((topDiff as GoldenTensor).data);
        for (const [k, { data }] of blobDiffs?.entries() ?? []) layer.blobs[k]?.writeDiff(data);
        layer.backward(top, bottom.map(always), bottom);
        for (const blob of bottom) outputs.push(await blob.readDiff());
        // Statistics have no gradient, and the program that wrote the goldens stored none.
        if (golden.type === "Scale") for (const blob of layer.blobs) outputs.push(await blob.readDiff());
      }
    }
  }
  return { initialBlobs, outputs };
}

const always = () => true;

function write(blobs: readonly Blob[], tensors: readonly GoldenTensor[]): void {
  for (const [i, { shape, data }] of tensors.entries()) {
    blobs[i]?.reshape(shape);
    blobs[i]?.write(data);
  }
}

function place(
  backend: Backend,
  { layers, dtype }: GoldenCase,
  { inputs }: GoldenForward,
  own: <T extends Disposable>(resource: T) => T,
): Placed[] {
  let bottom = inputs.map(({ shape }) => own(createBlob(backend, shape, dtype)));
  return layers.map((golden) => {
    const layer = own(golden.type === "BatchNorm" ? createBatchNorm(golden.params) : createScale(golden.params));
    const top = golden.inPlace ? (bottom[0] as Blob) : own(createBlob(backend, [0], dtype));
    const here = { golden, layer, bottom, top: [top] as const };
    bottom = [top];
    return here;
  });
}

/** Sets the layers up in order, and writes the blobs that the case has. Returns the blobs as setUp had left them. */
async function setUp(placed: readonly Placed[]): Promise<HostArray[][]> {
  const found: HostArray[][] = [];
  for (const { golden, layer, bottom, top } of placed) {
    layer.setUp(bottom, top);
    found.push(await Promise.all(layer.blobs.map((blob) => blob.read())));
    if (golden.defaultBlobs) continue;
    for (const [i, blob] of layer.blobs.entries()) blob.write((golden.initialBlobs[i] as GoldenTensor).data);
  }
  return found;
}
