import { cases } from "@bn/conformance";
import { conformance } from "@bn/conformance/vitest";
import type { Backend } from "@bn/core";
import { createCpu } from "@bn/cpu";

/** The action in the third call of `normalize`, by the name in `DEED`. */
const DEEDS: Readonly<Record<string, () => void>> = {
  "hangs-in-kernel": () => {
    for (;;);
  },
  "exits-in-kernel": () => process.exit(0),
  "kills-itself": () => {
    process.kill(process.pid, "SIGKILL");
  },
  "throws-in-kernel": () => {
    throw new RangeError("no scratch");
  },
  "rejects-later": () => {
    Promise.reject(new Error("lost in a promise"));
  },
};
/** The action that replaces `create`. */
const STARTS: Readonly<Record<string, () => Promise<Backend>>> = {
  "rejects-at-start": () => Promise.reject(new TypeError("adapter is undefined")),
  "never-created": () => new Promise(() => {}),
  "hangs-at-start": () => {
    for (;;);
  },
  "exits-at-start": () => process.exit(0),
};

const name = process.env.DEED ?? "";

async function create(): Promise<Backend> {
  const start = STARTS[name];
  if (start) return start();
  const cpu = await createCpu();
  let calls = 0;
  const normalize: typeof cpu.kernels.normalize = (...operands) => {
    if (++calls === 3) DEEDS[name]?.();
    cpu.kernels.normalize(...operands);
  };
  return { ...cpu, kernels: { ...cpu.kernels, normalize } };
}

const few = cases({ tier: "quick" }).filter(({ id }) => /^kernels\/normalize\/.*float32$/.test(id));
conformance("unruly", create, { cases: few, timeout: 3000 });
