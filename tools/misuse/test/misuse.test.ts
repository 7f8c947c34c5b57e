import { createCpu } from "@bn/cpu";
import { createWasm } from "@bn/wasm";
import { createWebGpu } from "@bn/webgpu";
import { expect, it } from "vitest";
import { misuse } from "../src/misuse.ts";

// `pnpm --filter @bn/misuse misuse BACKEND 100000` is the long form.
it.each([
  ["cpu", createCpu, 4000],
  ["wasm, one thread", () => createWasm({ threads: 1 }), 4000],
  ["wasm, two threads", () => createWasm({ threads: 2 }), 4000],
  ["webgpu", createWebGpu, 400],
] as const)(
  "no misuse of %s ends in a wrong result, an untyped error or a changed guard",
  async (_name, create, steps) => {
    const { succeeded, codes, successes } = await misuse(create, steps, 1);
    // The test would be useless if nearly all calls were refused, or none.
    expect(succeeded).toBeGreaterThan(steps / 4);
    expect([...codes.keys()]).toEqual(
      expect.arrayContaining(["ERR_BN_PARAM", "ERR_BN_STATE", "ERR_BN_SHAPE", "ERR_BN_DISPOSED"]),
    );
    for (const type of ["BatchNorm", "BatchNormScale", "Scale"]) {
      for (const pass of ["forward", "backward"])
        expect(successes.get(`${type} ${pass}`) ?? 0, `${type} ${pass}`).toBeGreaterThan(0);
    }
  },
);
