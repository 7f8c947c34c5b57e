import type { Backend, DeviceBuffer, Supports } from "@bn/core";
import { expect, it } from "vitest";
import type { Case, Comparison, Needs } from "../src/case.ts";
import { runCases } from "../src/run.ts";
import { failureText } from "../src/vitest.ts";

/** A backend that declares facts and counts disposals; the cases here use nothing else. */
function declaring(facts: Partial<Supports>, fused: boolean) {
  const count = { created: 0, disposed: 0 };
  const nothing = () => {};
  const create = async (): Promise<Backend> => {
    count.created++;
    let disposed = false;
    const dispose = async () => {
      disposed = true;
      count.disposed++;
    };
    return {
      name: "declaring",
      contractVersion: 2,
      supports: {
        dtypes: ["float32"],
        hostVisible: false,
        nonFinite: false,
        subnormals: false,
        correctlyRounded: true,
        deterministic: false,
        threads: 1,
        details: {},
        ...facts,
      },
      kernels: {
        moments: nothing,
        normalize: nothing,
        gradSums: nothing,
        gradNormalize: nothing,
        scale: nothing,
        scaleSums: nothing,
        movingAverage: nothing,
        globalStats: nothing,
        copy: nothing,
        fill: nothing,
        ...(fused ? { forward: nothing, backward: nothing } : {}),
      },
      get disposed() {
        return disposed;
      },
      alloc: (dtype, length) => ({ dtype, length, dispose: nothing, [Symbol.dispose]: nothing }),
      owns: (buffer): buffer is DeviceBuffer => buffer !== null,
      write: nothing,
      read: async () => new Float32Array(0),
      finish: async () => {},
      dispose,
      [Symbol.asyncDispose]: dispose,
    };
  };
  return { create, count };
}

const at = { outer: 0, channel: 0, inner: 3 };
const comparison = (ratio: number): Comparison => ({
  what: `top ${ratio}`,
  error: ratio * 2,
  bound: 2,
  ratio,
  at,
  got: 1,
  expected: 0,
});

function one(id: string, run: Case["run"], needs: Needs = {}): Case {
  return { id, group: "test", clause: "T-1", needs, run };
}

it("passes at ratio 1, fails above it, and reports the worst comparison", async () => {
  const { create, count } = declaring({}, true);
  const seen: string[] = [];
  const results = await runCases(
    "mine",
    create,
    [
      one("empty", async () => []),
      one("at-bound", async () => [comparison(0.5), comparison(1), comparison(0)]),
      one("beyond", async () => [comparison(0.5), comparison(3), comparison(1)]),
    ],
    { onResult: (result, done, total) => seen.push(`${result.id} ${done}/${total}`) },
  );
  expect(results.map(({ status, ratio }) => [status, ratio])).toEqual([
    ["failed", null],
    ["passed", 1],
    ["failed", 3],
  ]);
  expect(results[0]?.reason).toBe("the case compared nothing, so it has no verdict");
  expect(results[2]).toMatchObject({ backend: "mine", clause: "T-1", error: 6, bound: 2, worst: { what: "top 3" } });
  expect(results[2]?.reason).toBe("top 3 is off by 3.00 times its bound");
  expect(seen).toEqual(["empty 1/3", "at-bound 2/3", "beyond 3/3"]);
  expect(count).toEqual({ created: 1, disposed: 1 });
  const text = failureText(results[2] as (typeof results)[number]);
  expect(text).toContain("mine: beyond (docs/spec.md T-1; data seeded by the id)");
  expect(text).toContain(
    "top 3 at outer 0, channel 0, inner 3\n  got      1\n  expected 0\n  error    6, allowed 2, ratio 3",
  );
});

it("fails a case that throws, with its message, and goes on", async () => {
  const { create } = declaring({}, true);
  const results = await runCases("mine", create, [
    one("throws", () => {
      throw new Error("no such kernel");
    }),
    one("rejects", () => Promise.reject(new Error("device lost"))),
    one("fine", async () => [comparison(0)]),
  ]);
  expect(results.map(({ status, reason }) => [status, reason])).toEqual([
    ["failed", "no such kernel"],
    ["failed", "device lost"],
    ["passed", ""],
  ]);
});

it("skips by the declared facts, naming the fact, and runs where it is declared", async () => {
  const needs: readonly [Needs, string][] = [
    [{ dtype: "float64" }, "supports.dtypes lacks float64"],
    [{ nonFinite: true }, "supports.nonFinite is false"],
    [{ subnormals: true }, "supports.subnormals is false"],
    [{ hostVisible: true }, "supports.hostVisible is false"],
    [{ deterministic: true }, "supports.deterministic is false"],
    [{ fused: true }, "kernels.forward or kernels.backward is absent"],
  ];
  const cases = needs.map(([need], i) => one(`${i}`, async () => [comparison(0)], need));
  const poor = await runCases("poor", declaring({}, false).create, cases);
  expect(poor.map(({ status, reason }) => [status, reason])).toEqual(needs.map(([, reason]) => ["skipped", reason]));
  const facts = { nonFinite: true, subnormals: true, hostVisible: true, deterministic: true } as const;
  const rich = await runCases("rich", declaring({ ...facts, dtypes: ["float32", "float64"] }, true).create, cases);
  expect(rich.every(({ status }) => status === "passed")).toBe(true);
});

it("stops when aborted, with the signal's reason, and disposes the backend", async () => {
  const { create, count } = declaring({}, true);
  const abort = new AbortController();
  const ran: string[] = [];
  const note = (id: string) =>
    one(id, async () => {
      ran.push(id);
      if (id === "b") abort.abort(new Error("enough"));
      return [];
    });
  const run = runCases("mine", create, ["a", "b", "c"].map(note), { signal: abort.signal });
  await expect(run).rejects.toThrow("enough");
  expect(ran).toEqual(["a", "b"]);
  expect(count.disposed).toBe(1);
});

it("rejects where the backend cannot be created", async () => {
  await expect(runCases("none", () => Promise.reject(new Error("no adapter")), [])).rejects.toThrow("no adapter");
});
