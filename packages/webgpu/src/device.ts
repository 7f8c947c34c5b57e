import { type Buffers, createBuffers, type Storage } from "./buffer.ts";
import { createCache } from "./cache.ts";
import { createFaults, type Faults } from "./faults.ts";
import { type Params, packParams } from "./params.ts";
import { createQueue, type Queue } from "./queue.ts";
import { createStaging, type Staging } from "./staging.ts";
import { LEAST_THREADS_OF_GPU, type Tuning, tuningFor } from "./tuning.ts";
import { USAGE } from "./usage.ts";
import { type Flag, type Flags, type KernelName, variantOf } from "./variant.ts";

/** Buffers by binding number; null or undefined for bindings that the variant does not have. */
export type Operands = Readonly<Record<number, Storage | null | undefined>>;

/** One dispatch of a kernel. */
export interface Dispatch {
  readonly kernel: KernelName;
  /** For a reduction: the function that its entry point calls (kernels/lib/entry.wgsl). */
  readonly entry?: string;
  readonly flags?: Flags;
  readonly lanes?: number;
  readonly params: Params;
  /** The number of workgroups. */
  readonly groups: number;
  readonly buffers: Operands;
}

/** The device that kernels run on, with all objects that are created once and reused. */
export interface Device {
  readonly gpu: GPUDevice;
  readonly tuning: Tuning;
  readonly queue: Queue;
  readonly faults: Faults;
  readonly buffers: Buffers;
  readonly staging: Staging;
  run(dispatch: Dispatch): void;
  /** Whether one dispatch can have so many operands. WebGPU guarantees eight. */
  binds(operands: Operands): boolean;
  /** Allocates working memory for `length` values. Errors: `ERR_BN_MEMORY`, after which nothing has changed. */
  reserve(length: number): void;
  /**
   * Working memory of at least `length` values. It is allocated here only for callers that did not call `reserve`, and
   * is valid until the next call.
   */
  scratch(length: number): Storage;
  /** Destroys everything that was created on the device. */
  dispose(): void;
}

/** WebGPU's own guarantee for each dimension of a dispatch. */
const MOST_GROUPS = 65_535;
/**
 * The number of entries per generation. If calls alternate between more than twice as many variants, objects are
 * created again.
 */
const UNIFORMS = 512;
const GROUPS = 1024;

interface Pipeline {
  readonly id: number;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

interface Uniform {
  readonly id: number;
  readonly buffer: GPUBuffer;
}

/** An object whose creation failed on the device is not kept: the next call that needs it creates it again. */
function forgetting(forget: () => void): () => undefined {
  return () => {
    forget();
  };
}

/** `uniformAtomics` is the result of language.ts. */
export function createDevice(gpu: GPUDevice, given: Partial<Tuning> | undefined, uniformAtomics: boolean): Device {
  const tuning = tuningFor(gpu, given);
  const faults = createFaults(gpu);
  const queue = createQueue(gpu, faults);
  const buffers = createBuffers(gpu, queue, faults);
  const staging = createStaging(gpu, faults);
  const pipelines = new Map<string, Pipeline>();
  const uniforms = createCache<Uniform>(UNIFORMS, ({ buffer }) => queue.destroy(buffer));
  const groups = createCache<GPUBindGroup>(GROUPS);
  let ids = 0;
  let scratch: Storage | null = null;

  function reserve(length: number): Storage {
    if (scratch && scratch.length >= length) return scratch;
    const made = buffers.alloc(length, () => {
      if (scratch === made) scratch = null; // the next call tries again
    });
    scratch?.dispose();
    scratch = made;
    return made;
  }

  function pipelineFor(kernel: KernelName, entry: string, flags: Flags, lanes: number): Pipeline {
    let key = `${kernel} ${entry} ${lanes}`;
    for (const flag in flags) if (flags[flag as Flag]) key += ` ${flag}`;
    const known = pipelines.get(key);
    if (known) return known;
    const W = tuning.workgroup;
    const code = variantOf(
      kernel,
      entry,
      { ...flags, ALONE: lanes === 1, TOGETHER: W >= LEAST_THREADS_OF_GPU, UNIFORM_ATOMICS: uniformAtomics },
      { W, LANES: lanes, SLOTS: W / lanes },
    );
    const made = faults.watch(
      `${kernel} (${entry})`,
      () => {
        const module = gpu.createShaderModule({ label: `bn ${kernel}`, code });
        const pipeline = gpu.createComputePipeline({
          label: `bn ${kernel} ${entry}`,
          layout: "auto",
          compute: { module, entryPoint: "main" },
        });
        return { id: ids++, pipeline, layout: pipeline.getBindGroupLayout(0) };
      },
      forgetting(() => pipelines.delete(key)),
    );
    pipelines.set(key, made);
    return made;
  }

  function uniformFor(params: Params): Uniform {
    const { key, bytes } = packParams(params);
    return uniforms.get(key, () => {
      const usage = USAGE.UNIFORM | USAGE.COPY_DST;
      return faults.watch(
        "params",
        () => {
          const buffer = gpu.createBuffer({ label: "bn params", size: bytes.byteLength, usage });
          gpu.queue.writeBuffer(buffer, 0, bytes); // written ahead of the queued work, which cannot use this new buffer
          return { id: ids++, buffer };
        },
        forgetting(() => uniforms.remove(key)),
      );
    });
  }

  return {
    gpu,
    tuning,
    queue,
    faults,
    buffers,
    staging,
    run({ kernel, entry = "main", flags = {}, lanes = 1, params, groups: count, buffers: operands }) {
      const { id, pipeline, layout } = pipelineFor(kernel, entry, flags, lanes);
      const uniform = uniformFor(params);
      let key = `${id} ${uniform.id}`;
      for (const binding in operands) key += ` ${operands[binding]?.id}`;
      const group = groups.get(key, () => {
        const entries = Object.entries(operands).flatMap(([binding, operand]) =>
          operand ? [{ binding: Number(binding), resource: { buffer: operand.raw } }] : [],
        );
        entries.push({ binding: 0, resource: { buffer: uniform.buffer } });
        return faults.watch(
          `${kernel} (${entry})`,
          () => gpu.createBindGroup({ label: `bn ${kernel} ${entry}`, layout, entries }),
          forgetting(() => groups.remove(key)),
        );
      });
      const x = Math.min(count, MOST_GROUPS);
      queue.dispatch(kernel, pipeline, group, x, Math.ceil(count / x));
    },
    binds(operands) {
      let count = 0;
      for (const binding in operands) if (operands[binding]) count += 1;
      return count <= gpu.limits.maxStorageBuffersPerShaderStage;
    },
    reserve(length) {
      if (length > 0) reserve(length);
    },
    scratch: reserve,
    dispose() {
      queue.flush();
      groups.clear();
      uniforms.clear();
      pipelines.clear();
      buffers.clear();
      staging.clear();
      scratch = null;
    },
  };
}
