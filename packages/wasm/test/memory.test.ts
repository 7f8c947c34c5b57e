import { BnError, createBatchNorm, createBlob } from "@bn/core";
import { expect, test } from "vitest";
import { createWasm, type WasmOptions } from "../src/index.ts";

const MIB = 2 ** 20;

test("a hundred thousand cycles of create, forward and dispose leave memory where it was", {
  timeout: 120_000,
}, async () => {
  await using wasm = await createWasm({ threads: 1 });
  const cycle = () => {
    const x = createBlob(wasm, [4, 3]);
    const y = createBlob(wasm);
    const layer = createBatchNorm();
    x.data.view.fill(1);
    layer.setUp([x], [y]);
    layer.forward([x], [y]);
    for (const resource of [layer, x, y]) resource.dispose();
  };
  cycle();
  const first = wasm.alloc("float32", 1);
  const place = first.address;
  const size = first.view.buffer.byteLength;
  first.dispose();
  for (let i = 0; i < 100_000; i++) cycle();
  const last = wasm.alloc("float32", 1);
  expect(last.address).toBe(place);
  expect(last.view.buffer.byteLength).toBe(size);
});

for (const threads of [1, 2]) {
  test(`open views survive growth, ${threads} threads`, async () => {
    await using wasm = await createWasm({ threads });
    const small = wasm.alloc("float32", 3);
    small.view.set([1, 2, 3]);
    const before = small.view.buffer.byteLength;
    const large = wasm.alloc("float64", (8 * MIB) / 8);
    expect(small.view.buffer.byteLength).toBeGreaterThan(before);
    expect([...small.view]).toEqual([1, 2, 3]);
    large.view.fill(7);
    expect([...small.view]).toEqual([1, 2, 3]);
    wasm.kernels.fill(3, 9, small);
    expect([...small.view]).toEqual([9, 9, 9]);
  });

  test(`read() gives a copy that nobody shares, ${threads} threads`, async () => {
    await using wasm = await createWasm({ threads });
    const x = wasm.alloc("float32", 3);
    const copy = await wasm.read(x, 2);
    expect(copy.buffer).toBeInstanceOf(ArrayBuffer);
    x.view.fill(1);
    expect([...copy]).toEqual([0, 0]);
  });

  test(`memory that ends is an error with sizes, and no more than that, ${threads} threads`, async () => {
    await using wasm = await createWasm({ threads, maxMemory: 8 * MIB });
    const x = wasm.alloc("float32", MIB);
    x.view.fill(1);
    const ask = () => wasm.alloc("float32", MIB);
    expect(ask).toThrow(BnError);
    expect(ask).toThrow(
      /out of memory for 1048576 float32, 4194304 bytes; \d+ bytes are in use and the limit is 8388608; dispose/,
    );
    expect(x.view.every((value) => value === 1)).toBe(true);
    x.dispose();
    const y = ask();
    expect(y.view.every((value) => value === 0)).toBe(true);
  });
}

test("memory may grow past 2 GiB, and kernels reach it", { timeout: 60_000 }, async () => {
  await using wasm = await createWasm({ threads: 1 });
  // These pages are never written, so they use no memory.
  const low = wasm.alloc("float32", 2 ** 29 - 2 ** 20);
  const high = wasm.alloc("float32", 1000);
  const higher = wasm.alloc("float32", 2 ** 28);
  const x = wasm.alloc("float32", 1000);
  expect(x.address).toBeGreaterThan(2 ** 31);
  x.view.fill(3);
  wasm.kernels.scale(x, { outer: 1, channels: 1, inner: 1000 }, { gamma: x, beta: x }, high);
  expect(high.view.every((value) => value === 12)).toBe(true);
  for (const buffer of [low, higher]) buffer.dispose();
});

test("memory fills to its very end, and kernels reach that too", { timeout: 60_000 }, async () => {
  await using wasm = await createWasm({ threads: 1 });
  let last = wasm.alloc("float32", 1);
  for (const length of [2 ** 27, 2 ** 18, 2 ** 10, 16]) {
    try {
      for (;;) last = wasm.alloc("float32", length);
    } catch (error) {
      expect(error).toMatchObject({ code: "ERR_BN_MEMORY" });
    }
  }
  expect(last.address + 128).toBe(2 ** 32);
  wasm.kernels.fill(16, 3, last);
  wasm.kernels.scale(last, { outer: 1, channels: 1, inner: 16 }, { gamma: last, beta: last }, last);
  expect([...last.view]).toEqual(Array(16).fill(12));
});

test("use after disposal is an error with a cure", async () => {
  const wasm = await createWasm({ threads: 2 });
  const x = wasm.alloc("float32", 4);
  const y = wasm.alloc("float32", 4);
  y.dispose();
  y.dispose();
  expect(() => y.view).toThrow(/a buffer of 4 float32 was used after its dispose\(\)/);
  expect(() => wasm.kernels.copy(4, x, y)).toThrow(BnError);
  await wasm.dispose();
  await wasm.dispose();
  expect(wasm.disposed).toBe(true);
  for (const use of [
    () => wasm.alloc("float32", 1),
    () => wasm.write(x, new Float32Array(4)),
    () => wasm.read(x, 4),
    () => wasm.finish(),
    () => wasm.kernels.fill(4, 1, x),
    () => x.view,
  ]) {
    expect(use).toThrow(expect.objectContaining({ code: "ERR_BN_DISPOSED" }));
  }
});

test("options that are wrong are told apart", async () => {
  const wrong: readonly [unknown, RegExp][] = [
    ...[0, -1, 1.5, Number.NaN, 65, "2", null, true].map((threads): [unknown, RegExp] => [
      { threads },
      /threads is .*1 to 64/,
    ]),
    ...[0, 65536, 2 ** 32 + 1, Number.NaN, "4 GiB", null].map((maxMemory): [unknown, RegExp] => [
      { maxMemory },
      /maxMemory is .*1114112 to 4294967296/,
    ]),
    [{ thread: 2 }, /unknown option thread/],
    [{ maxmemory: 2 ** 30 }, /unknown option maxmemory/],
    [null, /options are null/],
    [4, /options are 4/],
    [[], /options are/],
  ];
  for (const [options, message] of wrong) {
    const error = { code: "ERR_BN_PARAM", message: expect.stringMatching(message) };
    await expect(createWasm(options as WasmOptions)).rejects.toMatchObject(error);
  }
  const wasm = await createWasm({ threads: 1, maxMemory: undefined } as never);
  await wasm.dispose();
});
