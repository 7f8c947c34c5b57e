import type { Backend, DeviceBuffer, Dtype, HostArray } from "@bn/core";
import { firstDifferent } from "../../truth/exact.ts";
import { hostArray } from "../data.ts";
import { HostArrays } from "./host-arrays.ts";

/** The memory around the buffers of a call, which no kernel may change. */
export type Surroundings = "exact" | "guarded" | "recycled";
export const SURROUNDINGS: readonly Surroundings[] = ["exact", "guarded", "recycled"];

/** The number of elements after the end of a guarded buffer, and of the buffers before and after it. */
const PAD = 9;
const GUARD = 7777;
const GARBAGE = -55.5;
const DIRT = 1e9;

interface Slot {
  readonly buffer: DeviceBuffer;
  readonly guard: number;
  readonly kept: boolean;
  /** The values that were written last; for an output, its former contents. */
  values: HostArray;
}

/**
 * The buffers of the calls of one row, by name. A second call uses the same buffers, with the contents that the first
 * call left.
 */
export class Bench {
  readonly backend: Backend;
  readonly dtype: Dtype;
  readonly host: HostArrays;
  readonly #surroundings: Surroundings;
  readonly #slots = new Map<string, Slot>();
  readonly #neighbours: DeviceBuffer[] = [];
  readonly #owned = new Map<string, { dispose(): void }>();

  constructor(backend: Backend, dtype: Dtype, surroundings: Surroundings) {
    this.backend = backend;
    this.dtype = dtype;
    this.host = new HostArrays(dtype);
    this.#surroundings = surroundings;
  }

  /** An operand that the kernel only reads. */
  input(name: string, values: HostArray): DeviceBuffer {
    return this.#slot(name, values, true);
  }

  /** An operand that the kernel reads and writes, or adds into. */
  inOut(name: string, values: HostArray): DeviceBuffer {
    return this.#slot(name, values, false);
  }

  /** A result. It holds garbage before the first call, and afterwards the contents that this call left. */
  output(name: string, length: number): DeviceBuffer {
    const slot = this.#slots.get(name);
    if (slot && slot.values.length === length) return slot.buffer;
    return this.#slot(name, garbageFor(this.dtype, length), false);
  }

  /** An object that the row keeps from its first call to its second, and disposes at its end. */
  own<T extends { dispose(): void }>(name: string, make: () => T): T {
    const known = this.#owned.get(name) as T | undefined;
    if (known !== undefined) return known;
    const made = make();
    this.#owned.set(name, made);
    return made;
  }

  /** The contents of the buffer after all work. Throws if anything after its end was touched. */
  async result(name: string): Promise<HostArray> {
    const slot = this.#slots.get(name) as Slot;
    const { length } = slot.values;
    if (slot.buffer.length === length) return this.backend.read(slot.buffer, length);
    const all = await this.backend.read(slot.buffer, slot.buffer.length);
    for (let i = length; i < all.length; i++) {
      if (all[i] !== slot.guard) throw new Error(`${name}: element ${i} was touched, ${length} were the kernel's`);
    }
    return all.subarray(0, length);
  }

  /** Throws if a kernel wrote to an operand that it should only read, or to the buffers around its own. */
  async assertInputsKept(): Promise<void> {
    if (this.#surroundings !== "guarded") return;
    for (const [name, { kept, values }] of this.#slots) {
      if (!kept) continue;
      const got = await this.result(name);
      const at = firstDifferent(got, values);
      if (at < values.length)
        throw new Error(`${name}[${at}] is an input; it was ${values[at]} and is ${got[at]} after the call`);
    }
    for (const neighbour of this.#neighbours) {
      const got = await this.backend.read(neighbour, PAD);
      if (got.some((value) => value !== GUARD))
        throw new Error("a buffer that is not an operand of the call was touched");
    }
  }

  dispose(): void {
    for (const resource of [...this.#owned.values()].reverse()) resource.dispose();
    for (const { buffer } of this.#slots.values()) buffer.dispose();
    for (const buffer of this.#neighbours) buffer.dispose();
    this.host.release();
  }

  #slot(name: string, values: HostArray, kept: boolean): DeviceBuffer {
    const old = this.#slots.get(name);
    const slot = old ?? this.#make(name, values, kept);
    slot.values = values;
    const { buffer, guard } = slot;
    if (buffer.length === values.length) {
      this.backend.write(buffer, values);
    } else {
      const padded = this.host.take(buffer.length).fill(guard, values.length);
      padded.set(values);
      this.backend.write(buffer, padded);
    }
    return buffer;
  }

  #make(name: string, values: HostArray, kept: boolean): Slot {
    const guarded = this.#surroundings === "guarded";
    if (this.#surroundings === "recycled") this.#leaveDirt(values.length);
    if (guarded && !kept) this.#neighbour();
    const buffer = this.backend.alloc(this.dtype, values.length + (guarded ? PAD : 0));
    if (guarded && !kept) this.#neighbour();
    const slot = { buffer, guard: GUARD + this.#slots.size, kept, values };
    this.#slots.set(name, slot);
    return slot;
  }

  #neighbour(): void {
    const buffer = this.backend.alloc(this.dtype, PAD);
    this.backend.write(buffer, hostArray(this.dtype, PAD).fill(GUARD));
    this.#neighbours.push(buffer);
  }

  /**
   * Fills memory and frees it, so that its next user, a buffer of the call or the kernel itself, finds old contents.
   */
  #leaveDirt(length: number): void {
    const dirty = this.backend.alloc(this.dtype, length);
    this.backend.kernels.fill(length, DIRT, dirty);
    dirty.dispose();
  }
}

const garbage = { float32: new Float32Array(0), float64: new Float64Array(0) };

/** The former contents of results, which are only read. */
function garbageFor(dtype: Dtype, length: number): HostArray {
  if (garbage[dtype].length < length) {
    if (dtype === "float32") garbage.float32 = new Float32Array(2 * length).fill(GARBAGE);
    else garbage.float64 = new Float64Array(2 * length).fill(GARBAGE);
  }
  return garbage[dtype].subarray(0, length);
}
