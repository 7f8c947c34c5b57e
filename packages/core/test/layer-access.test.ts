import { describe, expect, it } from "vitest";
import {
  type Blob,
  createBatchNorm,
  createBatchNormScale,
  createBlob,
  createScale,
  type Dtype,
  type LoadableState,
} from "../src/index.ts";
import { createPlain } from "./plain-backend.ts";

const VALUES = [1, 2, 3, 6, 5, 1, 0, 2];

function setUp<L extends ReturnType<typeof createScale>>(layer: L, dtype: Dtype = "float32") {
  const backend = createPlain();
  const [x, y]: Blob[] = [createBlob(backend, [4, 2], dtype), createBlob(backend, [0], dtype)];
  x!.write(VALUES);
  layer.setUp([x!], [y!]);
  return { layer, backend, x: x!, y: y! };
}

describe("named blobs", () => {
  it("are null before setUp, and those of `blobs` after it", () => {
    const norm = createBatchNorm();
    expect([norm.gamma, norm.beta]).toEqual([null, null]);
    setUp(norm);
    expect([norm.gamma, norm.beta]).toEqual([null, null]);
    const fused = setUp(createBatchNormScale({ biasTerm: true })).layer;
    expect(fused.gamma).toBe(fused.blobs[3]);
    expect(fused.beta).toBe(fused.blobs[4]);
    const scale = setUp(createScale()).layer;
    expect(scale.gamma).toBe(scale.blobs[0]);
    expect(scale.beta).toBeNull();
  });

  it("of a Scale with two bottoms: beta is the only one", () => {
    const backend = createPlain();
    const layer = createScale({ biasTerm: true });
    layer.setUp([createBlob(backend, [2, 3]), createBlob(backend, [3])], [createBlob(backend)]);
    expect([layer.gamma, layer.beta]).toEqual([null, layer.blobs[0]]);
  });
});

describe.each(["float32", "float64"] as const)("stored statistics in %s (BN-6)", (dtype) => {
  it("are 0 before any forward, then what a test forward subtracts", async () => {
    const { layer, x, y } = setUp(createBatchNorm({ movingAverageFraction: 0.5, eps: 0 }), dtype);
    layer.blobs[0]!.write([7, 7]);
    const zeros = dtype === "float32" ? new Float32Array(2) : new Float64Array(2);
    expect(await layer.mean()).toEqual(zeros);
    layer.blobs[0]!.write([0, 0]);
    layer.forward([x], [y]);
    layer.forward([x], [y]);
    const [mean, variance] = await Promise.all([layer.mean(), layer.variance()]);
    const sums = await layer.blobs[0]!.read();
    const one = dtype === "float32" ? Math.fround(1 / 1.5) : 1 / 1.5;
    expect(Array.from(mean)).toEqual(Array.from(sums, (v) => (dtype === "float32" ? Math.fround(v * one) : v * one)));
    expect(Array.from(variance, (v) => v.toFixed(4))).toEqual(["4.9167", "4.9167"]);
  });
});

describe("phase and updateStats (L-10)", () => {
  it("switch what the next forward does, and backward keeps to its forward", async () => {
    const { layer, x, y } = setUp(createBatchNormScale({ eps: 0.5 }));
    const twin = setUp(createBatchNormScale({ eps: 0.5 }));
    layer.forward([x], [y]);
    twin.layer.forward([twin.x], [twin.y]);
    const factor = async () => (await layer.blobs[2]!.read())[0];
    expect(await factor()).toBe(1);

    layer.phase = "test";
    y.writeDiff(VALUES);
    twin.y.writeDiff(VALUES);
    layer.backward([y], [true], [x]); // of the forward in train mode
    twin.layer.backward([twin.y], [true], [twin.x]);
    expect(await x.readDiff()).toEqual(await twin.x.readDiff());

    layer.forward([x], [y]);
    expect(await factor()).toBe(1);
    const [mean, variance, top] = await Promise.all([layer.mean(), layer.variance(), y.read()]);
    expect(top[0]).toBeCloseTo((1 - mean[0]!) / Math.sqrt(variance[0]! + 0.5), 6);

    layer.phase = "train";
    layer.updateStats = false;
    layer.forward([x], [y]);
    expect(await factor()).toBe(1);
    layer.updateStats = true;
    layer.forward([x], [y]);
    expect(await factor()).toBeCloseTo(1.999, 6);
    expect([layer.phase, layer.updateStats]).toEqual(["train", true]);
  });

  it("phase has no say where useGlobalStats is set (BN-3)", async () => {
    const { layer, x, y } = setUp(createBatchNorm({ useGlobalStats: false, phase: "test" }));
    layer.forward([x], [y]);
    expect((await layer.blobs[2]!.read())[0]).toBe(1);
  });

  it("an empty batch is refused in train and taken in test (BN-9)", () => {
    const { layer, x, y } = setUp(createBatchNorm());
    layer.forward([x], [y]);
    x.reshape([0, 2]);
    expect(() => layer.forward([x], [y])).toThrow("empty");
    layer.phase = "test";
    layer.forward([x], [y]);
    expect(y.shape).toEqual([0, 2]);
  });
});

describe("state and load (L-11)", () => {
  const trained = async (make = () => createBatchNormScale({ biasTerm: true })) => {
    const made = setUp(make());
    made.layer.forward([made.x], [made.y]);
    made.layer.gamma?.write([2, 3]);
    made.layer.beta?.write([-1, 1]);
    return made;
  };
  const same = async (a: readonly Blob[], b: readonly Blob[]) =>
    expect(await Promise.all(a.map((blob) => blob.read()))).toEqual(await Promise.all(b.map((blob) => blob.read())));

  it("is a copy that structured clone and JSON take", async () => {
    const { layer } = await trained();
    const state = await layer.state();
    expect(Object.keys(state.blobs)).toEqual(["mean", "variance", "factor", "gamma", "beta"]);
    expect(state).toMatchObject({ type: "BatchNormScale", version: 1, dtype: "float32" });
    expect(state.blobs.gamma).toEqual({ shape: [2], values: Float32Array.of(2, 3) });
    const text = JSON.stringify(state, (_, value) => (ArrayBuffer.isView(value) ? Array.from(value as never) : value));
    for (const copy of [structuredClone(state), JSON.parse(text) as LoadableState]) {
      for (const before of [true, false]) {
        const other = createBatchNormScale({ biasTerm: true });
        if (before) other.load(copy);
        setUp(other);
        if (!before) other.load(copy);
        await same(other.blobs, layer.blobs);
      }
    }
    layer.gamma!.write([0, 0]);
    expect(state.blobs.gamma!.values).toEqual(Float32Array.of(2, 3));
  });

  it("waits for one setUp only; a setUp that fails leaves it waiting", async () => {
    const { layer, x, y, backend } = await trained();
    const state = await layer.state();
    const other = createBatchNormScale({ biasTerm: true });
    other.load(state);
    expect(() => other.setUp([createBlob(backend, [2, 5])], [y])).toThrow("shape 2");
    const [a, b] = [createBlob(backend, [4, 2]), createBlob(backend)];
    other.setUp([a], [b]);
    await same(other.blobs, layer.blobs);
    other.setUp([x], [b]);
    expect(await other.gamma!.read()).toEqual(Float32Array.of(1, 1));
  });

  it("takes the state of a BatchNorm or a Scale into the fused layer, and leaves the rest alone", async () => {
    const norm = await trained(createBatchNorm);
    const scale = await trained(() => createScale({ biasTerm: true }) as ReturnType<typeof createBatchNorm>);
    const { layer } = setUp(createBatchNormScale({ biasTerm: true, filler: { value: 9 } }));
    layer.load(await norm.layer.state());
    expect(await layer.gamma!.read()).toEqual(Float32Array.of(9, 9));
    layer.load(await scale.layer.state());
    await same(layer.blobs, [...norm.layer.blobs, ...scale.layer.blobs]);
  });

  it("converts between dtypes, and refuses what float32 cannot hold", async () => {
    const wide = setUp(createBatchNorm(), "float64");
    wide.layer.blobs[0]!.write([1e300, 0.1]);
    const state = await wide.layer.state();
    const narrow = setUp(createBatchNorm());
    expect(() => narrow.layer.load(state)).toThrow("1e+300");
    wide.layer.blobs[0]!.write([Number.NaN, 0.1]);
    narrow.layer.load(await wide.layer.state());
    expect(await narrow.layer.blobs[0]!.read()).toEqual(Float32Array.of(Number.NaN, 0.1));
  });

  it("writes given blobs too, and no diff", async () => {
    const { layer, x, y } = await trained();
    const state = await layer.state();
    const borrower = createBatchNormScale({ biasTerm: true, blobs: layer.blobs });
    layer.gamma!.write([0, 0]);
    layer.gamma!.writeDiff([5, 6]);
    borrower.load(state);
    borrower.setUp([x], [y]);
    expect(await layer.gamma!.read()).toEqual(Float32Array.of(2, 3));
    expect(await layer.gamma!.readDiff()).toEqual(Float32Array.of(5, 6));
  });
});

describe("blobs", () => {
  it("read() has the type of the dtype", async () => {
    const backend = createPlain();
    const narrow: Float32Array = await createBlob(backend, [2]).read();
    const wide: Float64Array = await createBlob(backend, [2], "float64").read();
    expect([narrow.length, wide.length]).toEqual([2, 2]);
  });

  it("write() takes any array of numbers, and its own memory shifted", async () => {
    const backend = createPlain();
    const blob = createBlob(backend, [3]);
    for (const values of [
      [1, 2, 3],
      Float64Array.of(1, 2, 3),
      Uint8Array.of(1, 2, 3),
      { length: 3, 0: 1, 1: 2, 2: 3 },
    ]) {
      blob.write([0, 0, 0]);
      blob.write(values);
      expect(await blob.read()).toEqual(Float32Array.of(1, 2, 3));
    }
    const shared = new Float32Array(new SharedArrayBuffer(12));
    shared.set([4, 5, 6]);
    blob.write(shared);
    const resizable = new Float32Array(Reflect.construct(ArrayBuffer, [12, { maxByteLength: 24 }]));
    resizable.set([7, 8, 9]);
    blob.writeDiff(resizable);
    expect([await blob.read(), await blob.readDiff()]).toEqual([Float32Array.of(4, 5, 6), Float32Array.of(7, 8, 9)]);
    blob.reshape([2]);
    blob.write(blob.data.view.subarray(1, 3));
    expect(await blob.read()).toEqual(Float32Array.of(5, 6));
  });

  it("an array-like that disposes or reshapes the blob while it is read is refused", () => {
    const backend = createPlain();
    for (const [harm, code] of [
      [(blob: Blob) => blob.dispose(), "ERR_BN_DISPOSED"],
      [(blob: Blob) => blob.reshape([9]), "ERR_BN_STATE"],
    ] as const) {
      const blob = createBlob(backend, [1]);
      const values = {
        length: 1,
        get 0() {
          harm(blob);
          return 1;
        },
      };
      expect(() => blob.write(values)).toThrow(expect.objectContaining({ code }));
    }
  });
});
