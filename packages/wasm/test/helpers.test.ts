import { describe, expect, test, vi } from "vitest";
import { createWasm } from "../src/index.ts";
import { compile, instantiate } from "../src/module.ts";
import { type PoolOptions, startPool } from "../src/pool.ts";

/** Records the workers that Node starts until `stop`. */
function spiedWorkers() {
  const threads = process.getBuiltinModule("node:worker_threads");
  const { Worker: Original } = threads;
  const workers: InstanceType<typeof Original>[] = [];
  threads.Worker = class extends Original {
    constructor(...of: ConstructorParameters<typeof Original>) {
      super(...of);
      workers.push(this);
    }
  };
  return {
    workers,
    stop() {
      threads.Worker = Original;
      return workers;
    },
  };
}

/** The number of clocks that run after a pool was refused for this reason. */
async function clocksAfter(options: PoolOptions, reason: string): Promise<number> {
  vi.useFakeTimers();
  try {
    await expect(startPool(options)).rejects.toThrow(reason);
    return vi.getTimerCount();
  } finally {
    vi.useRealTimers();
  }
}

describe("a helper that is lost", () => {
  const memoryOf = () => new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });

  test("rejects read() and finish() from then on, with a cure", async () => {
    const started = spiedWorkers();
    const wasm = await createWasm({ threads: 3 });
    expect(started.stop()).toHaveLength(2);
    const x = wasm.alloc("float32", 2 ** 20);
    await wasm.finish();
    await started.workers[0]?.terminate();
    const lost = {
      code: "ERR_BN_DEVICE",
      message: expect.stringMatching(/helper thread was lost \(it exited.*create another/s),
    };
    wasm.kernels.fill(2 ** 20, 1, x);
    await expect(wasm.read(x, 4)).rejects.toMatchObject(lost);
    await expect(wasm.finish()).rejects.toMatchObject(lost);
    await wasm.dispose();
  });

  test("does not hang a job that it left unfinished", async () => {
    const memory = memoryOf();
    const module = await compile(true);
    const wasm = await instantiate(module, memory, () => {});
    let terminated = 0;
    const pool = await startPool({
      module,
      memory,
      scratch: wasm.heapBase(),
      helpers: 1,
      patience: 50,
      failed: () => wasm.configure(wasm.heapBase(), 0, 0),
      // A thread that says it is ready, and then does nothing.
      spawn: (events) => ({
        post: () => queueMicrotask(events.ready),
        unref: () => {},
        terminate: async () => {
          terminated++;
        },
      }),
    });
    pool.settle(3);
    expect(pool.failure?.code).toBe("ERR_BN_DEVICE");
    expect(pool.failure?.message).toMatch(/unfinished parts after 0.05 s: 3/);
    expect(terminated).toBe(1);
  });

  test("that never starts leaves one thread, and the reason", async () => {
    const memory = memoryOf();
    const module = await compile(true);
    const spawn = (events: { dead(reason: string): void }) => ({
      post: () => queueMicrotask(() => events.dead("no worker-src blob:")),
      unref: () => {},
      terminate: async () => {},
    });
    const options = { module, memory, scratch: 4096, helpers: 1, failed: () => {}, spawn };
    await expect(startPool(options)).rejects.toThrow("no worker-src blob:");
  });

  test("that is refused leaves no clock running, which would later reject unheard", async () => {
    const spawn = () => {
      throw new TypeError("needs a TrustedScriptURL");
    };
    const module = await compile(true);
    const options = { module, memory: memoryOf(), scratch: 4096, helpers: 2, failed: () => {}, spawn };
    expect(await clocksAfter(options, "TrustedScriptURL")).toBe(0);
  });

  test("of which the second is refused takes the first with it", async () => {
    const terminated: number[] = [];
    let spawned = 0;
    const spawn = () => {
      const own = ++spawned;
      if (own === 2) throw new RangeError("no more threads");
      return { post() {}, unref() {}, terminate: async () => void terminated.push(own) };
    };
    const options = { module: await compile(true), memory: memoryOf(), scratch: 4096, helpers: 3, failed() {}, spawn };
    expect(await clocksAfter(options, "no more threads")).toBe(0);
    expect([spawned, terminated]).toEqual([2, [1]]);
  });

  test("that cannot be given the memory is ended, and so are all others", async () => {
    const terminated: number[] = [];
    let spawned = 0;
    const spawn = () => {
      const own = ++spawned;
      const post = () => {
        if (own === 2) throw new Error("The object can not be cloned.");
      };
      return { post, unref() {}, terminate: async () => void terminated.push(own) };
    };
    const options = { module: await compile(true), memory: memoryOf(), scratch: 4096, helpers: 3, failed() {}, spawn };
    expect(await clocksAfter(options, "can not be cloned")).toBe(0);
    expect([spawned, terminated]).toEqual([2, [1, 2]]);
  });

  test("while another starts leaves no pool: its part would be waited for", async () => {
    let spawned = 0;
    const spawn = (events: { ready(): void; dead(reason: string): void }) => {
      const first = ++spawned === 1;
      const post = () => {
        if (!first) return void setTimeout(events.ready, 20);
        events.ready();
        setTimeout(() => events.dead("it exited with code 9"), 5);
      };
      return { post, unref() {}, terminate: async () => {} };
    };
    const options = { module: await compile(true), memory: memoryOf(), scratch: 4096, helpers: 2, failed() {}, spawn };
    await expect(startPool(options)).rejects.toThrow("it exited with code 9");
  });
});

test("helpers end with the backend", async () => {
  const started = spiedWorkers();
  const wasm = await createWasm({ threads: 4 });
  const workers = started.stop();
  const ends = Promise.all(workers.map((worker) => new Promise((resolve) => worker.once("exit", resolve))));
  await wasm.dispose();
  expect(await ends).toHaveLength(3);
});

test("dispose() called again waits for the first", async () => {
  const started = spiedWorkers();
  const wasm = await createWasm({ threads: 3 });
  const workers = started.stop();
  let alive = workers.length;
  for (const worker of workers) worker.once("exit", () => alive--);
  const [first, second] = [wasm.dispose(), wasm.dispose()];
  await second;
  expect(alive).toBe(0);
  await Promise.all([first, wasm[Symbol.asyncDispose]()]);
});
