import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { EPS, type Implementation, PLAIN_SUMS } from "../implementation.ts";
import { isKernel } from "../jobs.ts";

const SCRIPT = fileURLToPath(new URL("pytorch.py", import.meta.url));
/**
 * glibc then keeps freed tensors up to 32 MiB. Otherwise each call would get its output from the kernel, page by page:
 * PyTorch has no call that takes the output.
 */
const KEEP_MEMORY = { MALLOC_MMAP_THRESHOLD_: `${2 ** 25}`, MALLOC_TRIM_THRESHOLD_: `${2 ** 32}` };

/** The version of PyTorch that `python` can import, or null. */
export function versionOfPytorch(python: string): string | null {
  const { status, stdout } = spawnSync(python, ["-c", "import torch; print(torch.__version__)"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : null;
}

/**
 * Native PyTorch on one thread, in a process of its own that times its calls itself. Forward, and the kernel of its
 * backward without autograd.
 */
export function pytorch(python: string, version: string): Implementation {
  return {
    name: `pytorch ${version}`,
    threads: 1,
    tolerance: PLAIN_SUMS,
    async prepare(job, inputs) {
      if (isKernel(job.op)) return null;
      const folder = mkdtempSync(join(tmpdir(), "bn-pytorch-"));
      const child = spawn(python, [SCRIPT], {
        env: { ...process.env, ...KEEP_MEMORY },
        stdio: ["pipe", "pipe", "inherit"],
      });
      const ask = asker(child);
      const close = () => {
        child.kill();
        rmSync(folder, { recursive: true, force: true });
      };
      try {
        const Values = job.dtype === "float32" ? Float32Array : Float64Array;
        for (const [name, values] of Object.entries(inputs)) writeFileSync(join(folder, name), Values.from(values));
        const { op, shape, axis, dtype } = job;
        await ask({ prepare: { folder, op, shape, axis, dtype, eps: EPS } });
        return {
          run: async () => {
            await ask({ run: 1 });
          },
          clocked: async (repeats) => (await ask({ run: repeats })).ms as number,
          output: async () => {
            await ask({ output: true });
            return new Values(new Uint8Array(readFileSync(join(folder, "output"))).buffer);
          },
          close,
        };
      } catch (error) {
        close();
        throw error;
      }
    },
    close: async () => {},
  };
}

/** Sends a command and returns its answer. It rejects if the process ends before. */
function asker(child: ChildProcess): (command: object) => Promise<{ readonly ms?: number }> {
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error("the process has no pipes");
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  stdin.on("error", () => {}); // the end of the process is reported by its output
  child.on("error", () => {});
  return async (command) => {
    stdin.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error("its process ended, see above");
    return JSON.parse(value) as { readonly ms?: number };
  };
}
