import { describe, expect, it } from "vitest";
import { createCommunicator } from "../src/communicator/create-communicator.ts";
import { type Blob, createBatchNorm, createBatchNormScale, createBlob, createScale, type Layer } from "../src/index.ts";
import { snapshot } from "./errors/desk.ts";
import { createPlain, type PlainBackend } from "./plain-backend.ts";

/** A call that needs memory, prepared anew each time, and the blobs that it could change. */
interface Prepared {
  readonly blobs: readonly Blob[];
  readonly call: () => unknown;
}
type Prepare = (backend: PlainBackend) => Prepared;

const ramp = (blob: Blob, part: "write" | "writeDiff" = "write") =>
  blob[part](Float32Array.from({ length: blob.count() }, (_, i) => Math.sin(i + 1)));

/** Simulates a second rank that has sent the same values. */
const communicator = createCommunicator({
  rank: 0,
  size: 2,
  exchange: (values, all) => {
    all.set(values);
    all.set(values, values.length);
  },
});

const MAKERS = {
  BatchNorm: () => createBatchNorm(),
  "BatchNorm global": () => createBatchNorm({ phase: "test" }),
  BatchNormScale: () => createBatchNormScale({ biasTerm: true }),
  "BatchNormScale global": () => createBatchNormScale({ biasTerm: true, phase: "test" }),
  "BatchNorm synchronised": () => createBatchNorm({ communicator }),
  "BatchNormScale synchronised": () => createBatchNormScale({ biasTerm: true, communicator, globalGradients: true }),
  Scale: () => createScale({ biasTerm: true }),
} as const;

/** Forward and backward of each layer on bottoms that have grown, out of place and in place. */
function passes(make: () => Layer, inPlace: boolean): Record<string, Prepare> {
  const start = (backend: PlainBackend) => {
    const x: Blob = createBlob(backend, [2, 3]);
    const y: Blob = inPlace ? x : createBlob(backend);
    const layer = make();
    ramp(x);
    layer.setUp([x], [y]);
    layer.forward([x], [y]);
    return { x, y, layer, blobs: [...new Set([x, y, ...layer.blobs])] };
  };
  return {
    "first forward": (backend) => {
      const [x, layer] = [createBlob(backend, [2, 3]), make()];
      const y = inPlace ? x : createBlob(backend);
      layer.setUp([x], [y]);
      return { blobs: [...new Set([x, y, ...layer.blobs])], call: () => layer.forward([x], [y]) };
    },
    "forward of a larger batch": (backend) => {
      const { x, y, layer, blobs } = start(backend);
      x.reshape([4, 3]);
      ramp(x);
      return { blobs, call: () => layer.forward([x], [y]) };
    },
    backward: (backend) => {
      const { x, y, layer, blobs } = start(backend);
      ramp(y, "writeDiff");
      return { blobs, call: () => layer.backward([y], [true], [x]) };
    },
    "backward from a diff of zeros": (backend) => {
      const { x, y, layer, blobs } = start(backend);
      return { blobs, call: () => layer.backward([y], [true], [x]) };
    },
    "setUp again": (backend) => {
      const { x, y, layer, blobs } = start(backend);
      return { blobs: inPlace ? [x] : blobs.slice(0, 2), call: () => layer.setUp([x], [y]) };
    },
  };
}

const CALLS: readonly (readonly [string, Prepare])[] = [
  ...Object.entries(MAKERS).flatMap(([type, make]) =>
    [false, true].flatMap((inPlace) =>
      Object.entries(passes(make, inPlace)).map(
        ([name, prepare]) => [`${type}${inPlace ? ", in place" : ""}: ${name}`, prepare] as const,
      ),
    ),
  ),
  [
    "Scale with two bottoms: backward",
    (backend) => {
      const [x, factor, y]: Blob[] = [createBlob(backend, [2, 3]), createBlob(backend, [3]), createBlob(backend)];
      const layer = createScale({ biasTerm: true });
      ramp(x!);
      ramp(factor!);
      layer.setUp([x!, factor!], [y!]);
      layer.forward([x!, factor!], [y!]);
      ramp(y!, "writeDiff");
      return {
        blobs: [x!, factor!, y!, ...layer.blobs],
        call: () => layer.backward([y!], [true, true], [x!, factor!]),
      };
    },
  ],
  [
    "load into blobs without memory",
    (backend) => {
      const blobs = [createBlob(backend, [3]), createBlob(backend, [3]), createBlob(backend, [1])];
      const layer = createBatchNorm({ blobs });
      const values = { shape: [3], values: [1, 2, 3] };
      layer.load({
        type: "BatchNorm",
        version: 1,
        dtype: "float32",
        blobs: { mean: values, variance: values, factor: { shape: [1], values: [1] } },
      });
      const [x, y] = [createBlob(backend, [2, 3]), createBlob(backend)];
      return { blobs: [x, y, ...blobs], call: () => layer.setUp([x], [y]) };
    },
  ],
  [
    "write to a new blob",
    (backend) => {
      const blob = createBlob(backend, [3]);
      return { blobs: [blob], call: () => blob.write([1, 2, 3]) };
    },
  ],
  [
    "writeDiff to a grown blob",
    (backend) => {
      const blob = createBlob(backend, [3]);
      blob.write([1, 2, 3]);
      return { blobs: [blob], call: () => blob.writeDiff([1, 2, 3]) };
    },
  ],
];

/** Shapes only: reading buffers that do not exist yet would allocate them and change what is tested. */
const shapes = (blobs: readonly Blob[]) => blobs.map(({ shape }) => `${shape}`);

describe("memory that ends at the n-th allocation (L-1)", () => {
  it.each(CALLS)("%s", async (_name, prepare) => {
    const right = prepare(createPlain());
    right.call();
    const expected = await snapshot(right.blobs);

    for (let allowed = 0; ; allowed++) {
      const backend = createPlain();
      const { blobs, call } = prepare(backend);
      const untouched = await snapshot(prepare(createPlain()).blobs);
      const [before, alive] = [shapes(blobs), backend.alive];
      backend.allowed = allowed;
      let failed = false;
      try {
        call();
      } catch (error) {
        expect(error).toMatchObject({ code: "ERR_BN_MEMORY" });
        failed = true;
      }
      backend.allowed = Number.POSITIVE_INFINITY;
      if (!failed) {
        expect(allowed, "a call that allocates").toBeGreaterThan(0);
        break;
      }
      expect(backend.alive, `buffers left after failure ${allowed}`).toBe(alive);
      expect(shapes(blobs)).toEqual(before);
      if (allowed % 2 === 0) {
        // reading allocates missing buffers, so half of the retries skip it
        expect(await snapshot(blobs)).toEqual(untouched);
      }
      call();
      expect(await snapshot(blobs), `retry after failure ${allowed}`).toEqual(expected);
    }
  });
});

describe("after a failed setUp the layer is as it was", () => {
  it.each(Object.entries(MAKERS))("%s", async (_name, make) => {
    const backend = createPlain();
    const [x, y]: Blob[] = [createBlob(backend, [2, 3]), createBlob(backend)];
    const layer: Layer = make();
    ramp(x!);
    layer.setUp([x!], [y!]);
    layer.forward([x!], [y!]);
    const before = await snapshot([...layer.blobs, y!]);
    const blobs = layer.blobs;
    backend.allowed = 1;
    expect(() => layer.setUp([x!], [y!])).toThrow("memory");
    backend.allowed = Number.POSITIVE_INFINITY;
    expect(layer.blobs).toBe(blobs);
    expect(await snapshot([...layer.blobs, y!])).toEqual(before);
    layer.backward([y!], [true], [x!]); // the forward before the error still counts
  });
});

it("disposes what it made, and nothing else", async () => {
  const backend = createPlain();
  const [x, y]: Blob[] = [createBlob(backend, [2, 3]), createBlob(backend)];
  for (const make of Object.values(MAKERS)) {
    for (const top of [y!, x!]) {
      const before = backend.alive;
      const own = [x!.data, x!.diff, y!.data, y!.diff].length;
      const layer = make();
      layer.setUp([x!], [top]);
      layer.forward([x!], [top]);
      layer.backward([top], [true], [x!]);
      layer.dispose();
      expect(backend.alive).toBeLessThanOrEqual(Math.max(before, own));
    }
  }
  x!.dispose();
  y!.dispose();
  expect(backend.alive).toBe(0);
});
