// What runs in the page: ours on WebGPU beside peers on WebGPU, on the same device's driver.
import { createWebGpu } from "@bn/webgpu";
import { type Implementation, PLAIN_SUMS, type Prepared } from "../implementation.ts";
import { inputsOf, type Job } from "../jobs.ts";
import { copyOf, ours } from "../ours.ts";
import { type Timing, timeInterleaved } from "../time.ts";
import { complaint } from "../truth.ts";
import { jax } from "./jax.ts";
import { onnxRuntime } from "./onnxruntime.ts";
import { tfjs } from "./tfjs.ts";

export interface Measured {
  readonly impl: string;
  readonly isCopy: boolean;
  readonly timing: Timing;
}

export interface Outcome {
  /** The copy first. */
  readonly measured: readonly Measured[];
  /** Who cannot do the job, or does it wrong, and why. */
  readonly leftOut: readonly string[];
}

const PEERS: Readonly<Record<string, () => Promise<Implementation>>> = {
  "jax-js": jax,
  "onnxruntime-web-webgpu": onnxRuntime,
  "tfjs-webgpu": tfjs,
};

let opened: Promise<Implementation[]> | null = null;

/** Names the adapter. */
export async function openAll(peers: boolean): Promise<string> {
  const [copying, layers] = [await createWebGpu(), await createWebGpu()];
  opened = Promise.all([copyOf(copying), ours(layers), ...(peers ? Object.values(PEERS).map((open) => open()) : [])]);
  await opened;
  return layers.supports.details.adapter ?? "?";
}

export async function measure(job: Job, rounds: number): Promise<Outcome> {
  if (!opened) throw new Error("measure: call openAll() first");
  const inputs = inputsOf(job);
  const ready: { one: Implementation; prepared: Prepared }[] = [];
  const leftOut: string[] = [];
  try {
    for (const one of await opened) {
      try {
        const prepared = await one.prepare(job, inputs);
        if (prepared === null) continue;
        ready.push({ one, prepared });
        await prepared.run();
        const got = await prepared.output();
        const wrong = got && complaint(one, job, inputs, got);
        if (wrong) throw new Error(wrong);
      } catch (error) {
        if (one.tolerance !== PLAIN_SUMS) throw error; // a peer's fault is its own; ours ends the run
        leftOut.push(`${one.name}: ${error instanceof Error ? error.message : String(error)}`);
        if (ready.at(-1)?.one === one) await ready.pop()?.prepared.close();
      }
    }
    const timings = await timeInterleaved(
      ready.map(({ prepared }) => prepared),
      { rounds },
    );
    return {
      measured: ready.map(({ one }, i) => ({
        impl: one.name,
        isCopy: one.tolerance === 0,
        timing: timings[i] as Timing,
      })),
      leftOut,
    };
  } finally {
    for (const { prepared } of ready) await prepared.close();
  }
}
