import { afterEach, expect, test, vi } from "vitest";
import { threadsOff } from "../src/shared-memory.ts";

afterEach(() => vi.unstubAllGlobals());

/** A missing feature of a runtime, and the reason that is reported for it. */
const LACKS: Record<string, [take: () => void, why: string]> = {
  "a page that is not isolated": [
    () => vi.stubGlobal("crossOriginIsolated", false),
    "off: no shared memory; serve the page cross-origin isolated (COOP: same-origin, COEP: require-corp)",
  ],
  "WebKitGTK, in an isolated page": [
    () => {
      vi.stubGlobal("crossOriginIsolated", true);
      vi.stubGlobal("SharedArrayBuffer", undefined);
    },
    "off: no shared memory: this browser has no SharedArrayBuffer although the page is cross-origin isolated",
  ],
  "a runtime without SharedArrayBuffer": [
    () => vi.stubGlobal("SharedArrayBuffer", undefined),
    "off: no shared memory: this runtime has no SharedArrayBuffer",
  ],
  "no Atomics": [() => vi.stubGlobal("Atomics", undefined), "off: no shared memory: this runtime has no Atomics"],
  "WebAssembly memory that is refused": [
    () => {
      const Memory = class {
        constructor() {
          throw new RangeError("could not allocate");
        }
      };
      vi.stubGlobal("WebAssembly", { ...own(WebAssembly), Memory });
    },
    "off: no shared memory: making WebAssembly memory that is shared fails (could not allocate)",
  ],
  "WebAssembly memory that is never shared": [
    () => {
      const Memory = class {
        buffer = new ArrayBuffer(65536);
      };
      vi.stubGlobal("WebAssembly", { ...own(WebAssembly), Memory });
    },
    "off: no shared memory: this runtime has no shared WebAssembly memory",
  ],
  "memory that no worker may have": [
    () => {
      const MessageChannel = class {
        port1 = {
          postMessage() {
            throw new Error("The object can not be cloned.");
          },
          close() {},
        };
        port2 = this.port1;
      };
      vi.stubGlobal("MessageChannel", MessageChannel);
    },
    "off: no shared memory: passing shared memory to a worker fails (The object can not be cloned.)",
  ],
  "no workers": [
    () => {
      vi.stubGlobal("process", undefined);
      vi.stubGlobal("Worker", undefined);
    },
    "off: workers are not available; in Node use 20.16 or later",
  ],
};

test.each(Object.keys(LACKS))("%s: the reason is what was found", (lack) => {
  const [take, why] = LACKS[lack] as (typeof LACKS)[string];
  take();
  const found = threadsOff();
  vi.unstubAllGlobals();
  expect(found).toBe(why);
});

test("nothing lacks here", () => {
  expect(threadsOff()).toBe(null);
});

function own(namespace: typeof WebAssembly): Record<string, unknown> {
  const { Memory, Module, Instance, validate } = namespace;
  return { Memory, Module, Instance, validate };
}
