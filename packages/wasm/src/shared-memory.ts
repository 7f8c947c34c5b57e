import { nodeThreads } from "./host.ts";

interface Need {
  readonly what: string;
  /** The name of the missing feature, or null. */
  missing(): string | null;
}

const shared = () => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });

/** The features that threads need. If one is missing, those after it are missing too. */
const NEEDS: readonly Need[] = [
  {
    what: "isolation",
    missing: () =>
      globalThis.crossOriginIsolated === false
        ? "; serve the page cross-origin isolated (COOP: same-origin, COEP: require-corp)"
        : null,
  },
  {
    what: "SharedArrayBuffer",
    missing() {
      if (typeof SharedArrayBuffer === "function") return null;
      return globalThis.crossOriginIsolated
        ? ": this browser has no SharedArrayBuffer although the page is cross-origin isolated"
        : ": this runtime has no SharedArrayBuffer";
    },
  },
  { what: "Atomics", missing: () => (typeof Atomics === "object" ? null : ": this runtime has no Atomics") },
  {
    what: "making WebAssembly memory that is shared",
    missing: () =>
      shared().buffer instanceof SharedArrayBuffer ? null : ": this runtime has no shared WebAssembly memory",
  },
  {
    what: "passing shared memory to a worker",
    missing() {
      const { port1, port2 } = new MessageChannel();
      try {
        port1.postMessage(shared());
        return null;
      } finally {
        port1.close();
        port2.close();
      }
    },
  },
];

/** The reason why this runtime can have only one thread, or null. Each feature is tried, not inferred. */
export function threadsOff(): string | null {
  for (const need of NEEDS) {
    const missing = tried(need);
    if (missing !== null) return `off: no shared memory${missing}`;
  }
  return nodeThreads() !== null || typeof Worker === "function"
    ? null
    : "off: workers are not available; in Node use 20.16 or later";
}

function tried({ what, missing }: Need): string | null {
  try {
    return missing();
  } catch (error) {
    return `: ${what} fails (${error instanceof Error ? error.message : String(error)})`;
  }
}
