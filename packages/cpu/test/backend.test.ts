import { createBatchNorm, createBlob } from "@bn/core";
import { describe, expect, it } from "vitest";
import { createCpu } from "../src/index.ts";

/** The error that `call` throws or rejects with, as `code: message`. */
async function thrown(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code}: ${message}`;
  }
  return "nothing";
}

describe("buffers (K-11)", () => {
  it("begin at zero, copy on write and on read", async () => {
    const cpu = await createCpu();
    const buffer = cpu.alloc("float64", 4);
    expect([...buffer.view]).toEqual([0, 0, 0, 0]);
    const source = new Float64Array([1, 2, 3]);
    cpu.write(buffer, source);
    source[0] = 9;
    const read = await cpu.read(buffer, 2);
    expect(read).toEqual(new Float64Array([1, 2]));
    read[1] = 9;
    expect([...buffer.view]).toEqual([1, 2, 3, 0]);
  });

  it("drop their memory when disposed, twice without harm, and say so when used", async () => {
    const cpu = await createCpu();
    const buffer = cpu.alloc("float32", 3);
    buffer.dispose();
    buffer[Symbol.dispose]();
    const message = "ERR_BN_DISPOSED: cpu: a buffer of 3 float32 was used after dispose(); alloc a new one";
    expect(await thrown(() => buffer.view)).toBe(message);
    expect(await thrown(() => cpu.write(buffer, new Float32Array(3)))).toBe(message);
    expect(await thrown(() => cpu.read(buffer, 3))).toBe(message);
  });

  it("that are too large name their size and the cure", async () => {
    const cpu = await createCpu();
    expect(await thrown(() => cpu.alloc("float32", 2 ** 51))).toBe(
      "ERR_BN_MEMORY: cpu alloc: out of memory for 2251799813685248 float32, 9007199254740992 bytes; dispose blobs that are no longer needed, or split the batch",
    );
    expect(cpu.alloc("float64", 1).length).toBe(1);
  });
});

describe("the backend", () => {
  it.each(["alloc", "write", "read"] as const)("refuses %s after disposal, which may be repeated", async (method) => {
    const cpu = await createCpu();
    const buffer = cpu.alloc("float32", 1);
    expect(cpu.disposed).toBe(false);
    await cpu.dispose();
    await cpu[Symbol.asyncDispose]();
    expect(cpu.disposed).toBe(true);
    const call = {
      alloc: () => cpu.alloc("float32", 1),
      write: () => cpu.write(buffer, new Float32Array(1)),
      read: () => cpu.read(buffer, 1),
    }[method];
    expect(await thrown(call)).toBe(
      `ERR_BN_DISPOSED: cpu ${method}: the backend was disposed; create another with createCpu()`,
    );
  });

  it("cannot have its declared facts changed", async () => {
    const { supports } = await createCpu();
    expect(Object.isFrozen(supports) && Object.isFrozen(supports.dtypes) && Object.isFrozen(supports.details)).toBe(
      true,
    );
  });

  it("allocates no buffer in a kernel", async () => {
    const cpu = await createCpu();
    let allocs = 0;
    const counting = {
      ...cpu,
      get disposed() {
        return cpu.disposed;
      },
      alloc: (...args: Parameters<typeof cpu.alloc>) => {
        allocs++;
        return cpu.alloc(...args);
      },
    };
    const [x, y] = [createBlob(counting, [4, 3, 5]), createBlob(counting)];
    const layer = createBatchNorm();
    x.write(Float32Array.from({ length: 60 }, (_, i) => Math.sin(i)));
    layer.setUp([x], [y]);
    const step = () => {
      layer.forward([x], [y]);
      layer.backward([y], [true], [x]);
    };
    step();
    expect(allocs).toBeGreaterThan(0);
    const before = allocs;
    step();
    expect(allocs).toBe(before);
  });
});
