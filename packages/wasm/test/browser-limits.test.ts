import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Chromium, type Opened, startChromium } from "./browser/open.ts";

const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};
/** The policy that the test's own page needs, because its import map is inline. */
const SCRIPTS = "script-src 'self' 'unsafe-inline'";

let chromium: Chromium;
beforeAll(async () => {
  chromium = await startChromium();
}, 60_000);
afterAll(() => chromium?.close());

/** Runs `code` with createWasm in a page of its own. Its result must be data. */
async function inPage<T>(headers: Readonly<Record<string, string>>, code: string): Promise<T> {
  const opened: Opened = await chromium.open({ ...ISOLATED, ...headers });
  try {
    return await opened.page.evaluate<T>(`(async () => {
      const { createWasm } = await import("@bn/wasm");
      const told = (promise) => promise.then(() => "resolved", ({ code, message }) => ({ code, message }));
      ${code}
    })()`);
  } finally {
    await opened.close();
  }
}

/** Requests four threads, and reports how many there are and whether the result is right. */
const TRY = `
  const wasm = await createWasm({ threads: 4 });
  const x = wasm.alloc("float32", 2 ** 20);
  wasm.kernels.fill(2 ** 20, 3, x);
  const values = await wasm.read(x, 2 ** 20);
  await wasm.dispose();
  const { threads, details } = wasm.supports;
  return { threads, why: details.threads, right: values.every((value) => value === 3) };`;

interface Got {
  readonly threads: number;
  readonly why: string;
  readonly right: boolean;
}

describe("a page's Content-Security-Policy", () => {
  test("that allows WebAssembly and blobs as workers leaves four threads", async () => {
    const policy = `${SCRIPTS} 'wasm-unsafe-eval'; worker-src blob:`;
    const got = await inPage<Got>({ "Content-Security-Policy": policy }, TRY);
    expect(got).toMatchObject({ threads: 4, why: "on: 4", right: true });
  });

  for (const [what, policy] of [
    ["without worker-src blob:", `${SCRIPTS} 'wasm-unsafe-eval'`],
    ["with worker-src 'none'", `${SCRIPTS} 'wasm-unsafe-eval'; worker-src 'none'`],
  ] as const) {
    test(`${what}: one thread at once, and why`, async () => {
      const got = await inPage<Got>({ "Content-Security-Policy": policy }, TRY);
      expect(got).toMatchObject({ threads: 1, right: true });
      expect(got.why).toMatch(/^off: a worker did not start: .*Content-Security-Policy.* worker-src blob:$/);
    });
  }

  test("that demands trusted types: one thread at once, and why", async () => {
    const policy = "require-trusted-types-for 'script'";
    const got = await inPage<Got>({ "Content-Security-Policy": policy }, TRY);
    expect(got).toMatchObject({ threads: 1, right: true });
    expect(got.why).toMatch(/^off: a worker did not start: .*TrustedScriptURL/);
  });

  test("without 'wasm-unsafe-eval': unavailable, with a cure", async () => {
    const code = "return told(createWasm({ threads: 4 }));";
    const told = await inPage({ "Content-Security-Policy": `${SCRIPTS}; worker-src blob:` }, code);
    expect(told).toMatchObject({
      code: "ERR_BN_UNAVAILABLE",
      message: expect.stringMatching(/must allow 'wasm-unsafe-eval'; otherwise use @bn\/cpu$/),
    });
  });
});

/** Keeps the page's workers. If `script` is not null, workers get that script instead. */
const spied = (script: string | null) => `
  const workers = [];
  globalThis.Worker = class extends Worker {
    constructor(url, options) {
      const other = ${JSON.stringify(script)};
      super(other === null ? url : URL.createObjectURL(new Blob([other], { type: "text/javascript" })), options);
      workers.push(this);
    }
  };`;

/** Work on one channel that helpers share, then the outcome of read() and finish(). */
const USE = `
  const size = 2 ** 24;
  const x = wasm.alloc("float32", size);
  wasm.kernels.fill(size, 3, x);
  const answers = [await told(wasm.read(x, 4)), await told(wasm.finish())];
  wasm.kernels.fill(size, 5, x);
  const right = x.view.every((value) => value === 5);
  await wasm.dispose();
  return { answers, right };`;

const lost = (why: RegExp) => ({
  code: "ERR_BN_DEVICE",
  message: expect.stringMatching(new RegExp(`helper thread was lost \\(${why.source}\\).*create another`, "s")),
});

interface Used {
  readonly answers: readonly unknown[];
  readonly right: boolean;
}

describe("a helper that dies in a page", () => {
  test("terminated: read() and finish() reject, what follows is computed on one thread", {
    timeout: 30_000,
  }, async () => {
    const used = await inPage<Used>(
      {},
      `${spied(null)}
      const wasm = await createWasm({ threads: 3 });
      workers[0].terminate();
      // A browser first gives a thread some seconds to end by itself, which a sleeping thread does not do.
      for (let i = 0; i < 100 && (await told(wasm.finish())) === "resolved"; i++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      ${USE}`,
    );
    expect(used.answers).toEqual([lost(/it was terminated/), lost(/it was terminated/)]);
    expect(used.right).toBe(true);
  });

  test("an error in it: the same, with the error", async () => {
    const script = `onmessage = ({ data }) => {
      navigator.locks.request(data.lock, () => {
        postMessage("ready");
        return new Promise(() => {});
      });
      setTimeout(() => { throw new Error("out of luck"); }, 50);
    };`;
    const used = await inPage<Used>(
      {},
      `${spied(script)}
      const wasm = await createWasm({ threads: 2 });
      await new Promise((resolve) => setTimeout(resolve, 500));
      ${USE}`,
    );
    expect(used.answers).toEqual([lost(/.*out of luck/), lost(/.*out of luck/)]);
    expect(used.right).toBe(true);
  });

  test("in the middle of its work: an error after ten seconds, no hang", async () => {
    // Claims an item of its share of a job, as assembly/job.ts does, and then terminates.
    const script = `onmessage = ({ data }) => {
      const { memory, scratch, thread, helpers } = data;
      const heads = new BigInt64Array(memory.buffer, 64, 1);
      const shares = new BigInt64Array(memory.buffer, scratch + 64 * thread, 1);
      postMessage("ready");
      for (;;) {
        const before = Atomics.load(shares, 0);
        const head = Atomics.load(heads, 0);
        const items = head & 0xffffffffn;
        const first = (BigInt(thread) * items) / BigInt(helpers + 1);
        const unopened = (head & ~0xffffffffn) | (first << 16n) | (items - first);
        const share = (before ^ head) >> 32n === 0n ? before : unopened;
        if ((share & 0xffffn) > 0n && Atomics.compareExchange(shares, 0, before, share - 1n) === before) break;
      }
      close();
    };`;
    const used = await inPage<Used>({}, `${spied(script)} const wasm = await createWasm({ threads: 2 }); ${USE}`);
    const why = /unfinished parts after 10 s: 1/;
    expect(used.answers).toEqual([lost(why), lost(why)]);
    expect(used.right).toBe(true);
  });

  test("that never answers leaves one thread, and the reason", async () => {
    const got = await inPage<Got>({}, `${spied("onmessage = () => {};")} ${TRY}`);
    expect(got).toMatchObject({ threads: 1, why: "off: a worker did not start: no answer in 10 s", right: true });
  });
});
