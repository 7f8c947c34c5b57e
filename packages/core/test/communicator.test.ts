import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { createCommunicator } from "../src/communicator/create-communicator.ts";
import { createThreadGroup, joinThreads } from "../src/communicator/threads.ts";

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return (error as { readonly code: string }).code;
  }
  return "none";
};

describe("threads", () => {
  it("a group or a rank of the wrong kind is refused", () => {
    for (const size of [0, -1, 1.5, 1025, "2"])
      expect(codeOf(() => createThreadGroup(size as number))).toBe("ERR_BN_PARAM");
    const group = createThreadGroup(2);
    for (const rank of [-1, 2, 0.5, Number.NaN]) expect(codeOf(() => joinThreads(group, rank))).toBe("ERR_BN_PARAM");
    for (const wrong of [null, {}, { size: 3, memory: group.memory }, group.memory]) {
      expect(codeOf(() => joinThreads(wrong as typeof group, 0))).toBe("ERR_BN_PARAM");
    }
    for (const timeout of [0, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(codeOf(() => joinThreads(group, 0, { timeout }))).toBe("ERR_BN_PARAM");
    }
  });

  it("a rank can be joined once", () => {
    const group = createThreadGroup(2);
    joinThreads(group, 1);
    expect(codeOf(() => joinThreads(group, 1))).toBe("ERR_BN_STATE");
  });

  it("a thread that does not come is an error within the time limit, and for good", () => {
    const communicator = joinThreads(createThreadGroup(2), 0, { timeout: 30 });
    for (let i = 0; i < 2; i++) {
      expect(codeOf(() => communicator.allGather("alone", new Float64Array(1)))).toBe("ERR_BN_SYNC");
    }
  });

  it("of three threads one ends: both others get the error, the one that waits longer as soon as the other gives up", async () => {
    const group = createThreadGroup(3);
    const code = `
      const { workerData, parentPort } = require("node:worker_threads");
      import(workerData.url).then(({ joinThreads }) => {
        const communicator = joinThreads(workerData.group, workerData.rank, { timeout: workerData.timeout });
        try {
          for (let i = 0; i < 1000; i++) {
            if (workerData.rank === 1 && i === 500) return;
            communicator.allGather("step", new Float64Array(9));
          }
        } catch (error) {
          parentPort.postMessage(error.code);
        }
      });`;
    const url = new URL("../dist/communicator/threads.js", import.meta.url).href;
    const codes = [0, 2].map((rank) => run(rank, rank === 0 ? 200 : 2 ** 30));
    run(1, 1000).catch(() => {});
    function run(rank: number, timeout: number): Promise<string> {
      const worker = new Worker(code, { eval: true, workerData: { url, group, rank, timeout } });
      return new Promise((resolve, reject) => {
        worker.on("message", resolve);
        worker.on("error", reject);
        worker.on("exit", () => reject(new Error("nothing was thrown")));
      });
    }
    expect(await Promise.all(codes)).toEqual(["ERR_BN_SYNC", "ERR_BN_SYNC"]);
  });
});

describe("createCommunicator", () => {
  it("refuses what is not a transport", () => {
    const exchange = () => {};
    for (const wrong of [
      null,
      { rank: 0, size: 0, exchange },
      { rank: 2, size: 2, exchange },
      { rank: 0.5, size: 2, exchange },
      { rank: 0, size: 1 },
    ]) {
      expect(codeOf(() => createCommunicator(wrong as Parameters<typeof createCommunicator>[0]))).toBe("ERR_BN_PARAM");
    }
  });

  it("keeps the values of ranks apart from a transport that fails: nothing is returned, and the next call has the next number", () => {
    const numbers: number[] = [];
    let fail = true;
    const communicator = createCommunicator({
      rank: 0,
      size: 1,
      exchange: (values, all) => {
        numbers.push(values[1]!);
        if (fail) throw new Error("the cable");
        all.set(values);
      },
    });
    expect(() => communicator.allGather("one", new Float64Array(2))).toThrow("the cable");
    fail = false;
    expect([...communicator.allGather("two", new Float64Array())]).toEqual([]);
    expect(numbers).toEqual([0, 1]);
  });

  it("sends values along with the header where the calls so far let expect them, and gives the same whether they are or not", () => {
    let exchanges = 0;
    const communicator = createCommunicator({
      rank: 0,
      size: 2,
      exchange: (values, all) => {
        exchanges += 1;
        all.set(values);
        all.set(values, values.length);
      },
    });
    const counts = [3, 5, 0, 3, 5, 0, 3, 5, 0, 2, 9000, 9000, 9000].map((length) => {
      const before = exchanges;
      const values = Float64Array.from({ length }, (_, i) => i + 1);
      expect([...communicator.allGather("calls", values)]).toEqual([...values, ...values]);
      return exchanges - before;
    });
    // A new length takes two exchanges. A length that followed the same length before takes one, and so does a call
    // without values. A very long message always takes two.
    expect(counts).toEqual([2, 2, 1, 2, 1, 1, 1, 1, 1, 1, 2, 2, 2]);
  });

  it("makes one exchange per call after two steps of training, even where the length changes", () => {
    let exchanges = 0;
    const communicator = createCommunicator({
      rank: 0,
      size: 1,
      exchange: (values, all) => {
        exchanges += 1;
        all.set(values);
      },
    });
    const step = [6, 6, 6, 4, 4, 4, 0];
    const run = () => {
      exchanges = 0;
      for (const length of step) communicator.allGather("a step", new Float64Array(length));
      return exchanges;
    };
    expect([run(), run(), run()]).toEqual([10, 8, 7]);
  });
});
