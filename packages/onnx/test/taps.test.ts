import { createCpu } from "@bn/cpu";
import { expect, test } from "vitest";
import { valueInfo } from "../src/graph/encode.ts";
import { createRuntime, type Runtime, type Tensor, verifyModel } from "../src/verify/index.ts";
import { GROUP } from "../src/verify/rows.ts";
import { floats, net, norm } from "./siblings/net.ts";

/** A chain of `length` nodes on X of [1, 3, side, side]; each reads the output of the one before. */
const chain = (length: number, side: number) =>
  net({
    nodes: Array.from({ length }, (_, i) => norm(i === 0 ? "X" : `a${i}`, i === length - 1 ? "Y" : `a${i + 1}`)),
    weights: [floats("var", [3], 1, 1, 1)],
    inputs: [valueInfo("X", 1, [1, 3, side, side])],
  });

/** `runtime`, with a record of the bytes that each run returned. */
function recorded(runtime: Runtime): { runtime: Runtime; runs: number[] } {
  const runs: number[] = [];
  const bytesOf = ({ data }: Tensor) => (ArrayBuffer.isView(data) ? data.byteLength : 0);
  return {
    runs,
    runtime: {
      async load(model) {
        const loaded = await runtime.load(model);
        return {
          alive: () => loaded.alive(),
          release: () => loaded.release(),
          async run(feeds) {
            const outputs = await loaded.run(feeds);
            runs.push([...outputs.values()].reduce((sum, tensor) => sum + bytesOf(tensor), 0));
            return outputs;
          },
        };
      },
      [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose](),
    },
  };
}

test("tensors are fetched in groups of bounded size, however many there are", { timeout: 120_000 }, async () => {
  await using inner = createRuntime();
  await using cpu = await createCpu();
  const { runtime, runs } = recorded(inner);
  const [nodes, side] = [8, 512];
  const { rows } = await verifyModel(chain(nodes, side), [cpu], { runtime });
  expect(rows.map(({ backends }) => backends[0]?.status)).toEqual(new Array(nodes).fill("passed"));
  const tensor = 4 * 3 * side * side;
  expect(2 * nodes * tensor).toBeGreaterThan(GROUP); // more than fits into one group
  expect(Math.max(...runs)).toBeLessThanOrEqual(GROUP);
  expect(Math.max(...runs)).toBeGreaterThan(GROUP / 2);
});

test("nodes that share tensors are reached in one run", { timeout: 60_000 }, async () => {
  await using inner = createRuntime();
  await using cpu = await createCpu();
  const { runtime, runs } = recorded(inner);
  const { rows } = await verifyModel(chain(20, 4), [cpu], { runtime });
  expect(rows).toHaveLength(20);
  // The first run returns 21 shapes of four int64, the second 21 tensors. Later runs belong to the diagnosis.
  expect(runs.slice(0, 2)).toEqual([21 * 4 * 8, 21 * 48 * 4]);
});
