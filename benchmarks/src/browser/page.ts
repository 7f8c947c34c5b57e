// The code of the page: @bn/webgpu next to peers on WebGPU, on the same driver.
import { createWebGpu } from "@bn/webgpu";
import type { Implementation } from "../implementation.ts";
import type { Job } from "../jobs.ts";
import { measure, type Outcome } from "../measure.ts";
import { copyOf, ours } from "../ours.ts";
import { jax } from "./jax.ts";
import { onnxRuntime } from "./onnxruntime.ts";
import { tfjs } from "./tfjs.ts";

const PEERS: Readonly<Record<string, () => Promise<Implementation>>> = {
  "jax-js": jax,
  "onnxruntime-web-webgpu": onnxRuntime,
  "tfjs-webgpu": tfjs,
};

let opened: Promise<Implementation[]> | null = null;

/** Opens all implementations and names the adapter. */
export async function openAll(peers: boolean): Promise<string> {
  const [copying, layers] = [await createWebGpu(), await createWebGpu()];
  opened = Promise.all([copyOf(copying), ours(layers), ...(peers ? Object.values(PEERS).map((open) => open()) : [])]);
  await opened;
  return layers.supports.details.adapter ?? "?";
}

export async function measureHere(job: Job, rounds: number): Promise<Outcome> {
  if (!opened) throw new Error("measureHere: call openAll() first");
  return measure(job, await opened, rounds);
}
