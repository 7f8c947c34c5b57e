import type { Backend, DeviceBuffer } from "@bn/core";
import { describe, expect, test } from "vitest";
import { createWasm } from "../src/index.ts";

const make = () => createWasm({ threads: 1 }) as Promise<Backend>;

describe("owns", () => {
  test("its own live buffers and nothing else", async () => {
    const [mine, other] = [await make(), await make()];
    const [x, theirs, gone] = [mine.alloc("float32", 4), other.alloc("float32", 4), mine.alloc("float32", 4)];
    gone.dispose();
    expect(mine.owns(x)).toBe(true);
    const Type = x.constructor as new (...of: unknown[]) => object;
    const imitation = { dtype: "float32", length: 4, view: [1, 2, 3, 4], address: 4096, disposed: false, dispose() {} };
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error("read");
        },
        has: () => {
          throw new Error("asked");
        },
        getPrototypeOf: () => {
          throw new Error("asked");
        },
      },
    );
    const strangers = [
      theirs,
      gone,
      imitation,
      hostile,
      new Proxy(x, {}),
      Object.create(x),
      Object.setPrototypeOf({ ...imitation }, Type.prototype),
      null,
      undefined,
      0,
      "x",
      Symbol("x"),
      () => x,
      [x],
    ];
    for (const stranger of strangers) expect(mine.owns(stranger)).toBe(false);
    const foreign = new (class extends Type {})({ take: () => 64 }, "float32", 4);
    expect(mine.owns(foreign)).toBe(false);
    await mine.dispose();
    expect(mine.owns(x)).toBe(false);
    await other.dispose();
  });

  test("a buffer whose length nobody can change", async () => {
    const backend = await make();
    const x = backend.alloc("float32", 4);
    for (const [key, value] of [
      ["length", 1000],
      ["dtype", "float64"],
      ["disposed", false],
      ["address", 0],
    ] as const) {
      expect(() => Object.defineProperty(x, key, { value })).toThrow(TypeError);
    }
    await backend.dispose();
  });
});

describe("refuses", () => {
  const refusals: readonly [
    string,
    string,
    RegExp,
    (b: Backend, x: DeviceBuffer, theirs: DeviceBuffer, gone: DeviceBuffer) => unknown,
  ][] = [
    ["a dtype that is none", "ERR_BN_BACKEND", /"float16"/, (b) => b.alloc("float16" as never, 4)],
    ["no dtype", "ERR_BN_BACKEND", /undefined/, (b) => b.alloc(undefined as never, 4)],
    ...[-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60, "4", null, 4n].map(
      (length): (typeof refusals)[number] => [
        `a length of ${String(length)} (${typeof length})`,
        "ERR_BN_SHAPE",
        /alloc: length is .*whole number/,
        (b) => b.alloc("float32", length as number),
      ],
    ),
    ["more memory than there is", "ERR_BN_MEMORY", /1099511627776/, (b) => b.alloc("float32", 2 ** 40)],
    [
      "to write to another's buffer",
      "ERR_BN_BACKEND",
      /write.*does not belong to this backend/,
      (b, _, theirs) => b.write(theirs, new Float32Array(4)),
    ],
    ["to write to a disposed one", "ERR_BN_DISPOSED", /after/, (b, _x, _t, gone) => b.write(gone, new Float32Array(4))],
    [
      "to write to none",
      "ERR_BN_BACKEND",
      /does not belong to this backend/,
      (b) => b.write(null as never, new Float32Array(4)),
    ],
    [
      "more values than the buffer holds",
      "ERR_BN_SHAPE",
      /5 values for a buffer of 4/,
      (b, x) => b.write(x, new Float32Array(5)),
    ],
    ["values of another dtype", "ERR_BN_BACKEND", /takes a Float32Array/, (b, x) => b.write(x, new Float64Array(4))],
    [
      "values that are not a typed array",
      "ERR_BN_BACKEND",
      /takes a Float32Array/,
      (b, x) => b.write(x, [1, 2] as never),
    ],
    [
      "a view of memory that is gone",
      "ERR_BN_DISPOSED",
      /create the view again/,
      (b, x) => {
        const values = new Float32Array(4);
        structuredClone(values, { transfer: [values.buffer] });
        b.write(x, values);
      },
    ],
    [
      "to read another's buffer",
      "ERR_BN_BACKEND",
      /read.*does not belong to this backend/,
      (b, _, theirs) => b.read(theirs, 4),
    ],
    ["to read a disposed one", "ERR_BN_DISPOSED", /after/, (b, _x, _t, gone) => b.read(gone, 4)],
    [
      "to read past the end",
      "ERR_BN_SHAPE",
      /length is 5, expected a whole number from 0 to 4/,
      (b, x) => b.read(x, 5),
    ],
    ["to read less than nothing", "ERR_BN_SHAPE", /length is -1/, (b, x) => b.read(x, -1)],
    ["to read an unknown length", "ERR_BN_SHAPE", /length is undefined/, (b, x) => b.read(x, undefined as never)],
  ];
  test.each(refusals)("%s: %s", async (_, code, message, use) => {
    const [backend, other] = [await make(), await make()];
    const [x, theirs, gone] = [backend.alloc("float32", 4), other.alloc("float32", 4), backend.alloc("float32", 4)];
    backend.write(x, new Float32Array([1, 2, 3, 4]));
    gone.dispose();
    expect(() => use(backend, x, theirs, gone)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
    expect([...(await backend.read(x, 4))]).toEqual([1, 2, 3, 4]);
    expect([...(await other.read(theirs, 4))]).toEqual([0, 0, 0, 0]);
    await Promise.all([backend.dispose(), other.dispose()]);
  });
});
