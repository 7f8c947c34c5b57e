import type { Backend } from "@bn/core";
import type { Step } from "./steps/step.ts";
import { nextStep } from "./steps.ts";
import { changeOf, createWorld, GONE, type Snapshot, snapshot, type World, watched } from "./world.ts";

export interface Outcome {
  readonly steps: number;
  readonly succeeded: number;
  /** The number of occurrences of each error code, by step. */
  readonly codes: ReadonlyMap<string, number>;
  /** The number of successes, by name of the step. */
  readonly successes: ReadonlyMap<string, number>;
}

/** The number of steps after which the world is created anew, with new guards. */
const WORLD = 400;

/**
 * Calls blobs and layers at random, correctly and incorrectly, while memory runs out now and then. Every call must end
 * in the right result, or in a typed error that has changed nothing, and no blob that a call does not use may change.
 * Throws at the first violation, with the seed and the step.
 */
export async function misuse(
  create: () => Promise<Backend>,
  steps: number,
  seed: number,
  onWorld: (stepsDone: number) => void = () => {},
): Promise<Outcome> {
  const codes = new Map<string, number>();
  const successes = new Map<string, number>();
  const count = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1);
  const [real, other] = [await create(), await create()];
  try {
    for (let done = 0; done < steps; done += WORLD) {
      const world = createWorld(real, other, seed + done);
      let before = await snapshot(world);
      for (let i = 0; i < Math.min(WORLD, steps - done); i++) {
        const step = nextStep(world);
        const where = `seed ${seed}, step ${done + i} (${step.name})`;
        before = await refreshed(world, before);
        const error = await attempt(world, step);
        const after = await snapshot(world);
        const wrong = error === null ? judgeSuccess(step, before, after) : judgeFailure(step, error, before, after);
        if (wrong !== null) throw new Error(`${where}: ${wrong}`, { cause: error ?? undefined });
        count(error === null ? successes : codes, error === null ? step.name : (error as { code: string }).code);
        before = after;
      }
      dispose(world);
      onWorld(done);
    }
  } finally {
    await Promise.all([real.dispose(), other.dispose()]);
  }
  return { steps, succeeded: [...successes.values()].reduce((a, b) => a + b, 0), codes, successes };
}

/** A successful step may have added blobs to the world. */
async function refreshed(world: World, before: Snapshot): Promise<Snapshot> {
  const missing = [...watched(world)].some((blob) => !before.has(blob));
  return missing ? snapshot(world) : before;
}

async function attempt(world: World, { call }: Step): Promise<unknown> {
  const { random, memory } = world;
  memory.left = random.oneIn(4) ? random.below(4) : Number.POSITIVE_INFINITY;
  try {
    await call();
    return null;
  } catch (error) {
    return error ?? new Error("threw nothing");
  } finally {
    memory.left = Number.POSITIVE_INFINITY;
  }
}

function judgeSuccess(step: Step, before: Snapshot, after: Snapshot): string | null {
  const touched = new Set(step.touches ?? []);
  const shared = new Set<unknown>([...touched].flatMap((blob) => before.get(blob)?.buffers ?? []));
  shared.delete(GONE);
  for (const [blob, content] of before) {
    if (touched.has(blob) || content?.buffers.some((buffer) => shared.has(buffer)) || !after.has(blob)) continue;
    const change = changeOf(content, after.get(blob));
    if (change !== null) return `a blob that the call does not touch ${change}`;
  }
  return step.check?.(before, after) ?? null;
}

function judgeFailure(step: Step, error: unknown, before: Snapshot, after: Snapshot): string | null {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!code.startsWith("ERR_BN_")) return `threw ${error instanceof Error ? error.stack : String(error)}`;
  for (const [blob, content] of before) {
    if (!after.has(blob)) continue; // the blob has left the world
    const change = changeOf(content, after.get(blob));
    if (change !== null) return `failed by ${code}, and a blob ${change}`;
  }
  return step.right === true && code !== "ERR_BN_MEMORY" ? `refused by ${code}: ${(error as Error).message}` : null;
}

function dispose(world: World): void {
  for (const { layer } of world.subjects) layer.dispose();
  for (const part of [...world.foreign, ...world.buffers]) part.dispose();
}
