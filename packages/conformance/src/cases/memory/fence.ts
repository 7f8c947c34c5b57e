import type { Backend, DeviceBuffer, Dtype, HostArray } from "@bn/core";
import type { Comparison } from "../../case.ts";
import { exactly } from "../../truth/exact.ts";
import { hostArray } from "../data.ts";

/** The number of elements of the buffers on both sides, and their values. */
const PAD = 5;
const GUARD = 7777;

/** Buffers with known values. Each lies between two guard buffers that no call may touch. */
export class Fence {
  readonly #backend: Backend;
  readonly #dtype: Dtype;
  readonly #guards: DeviceBuffer[] = [];
  readonly #buffers: { readonly what: string; readonly buffer: DeviceBuffer; values: HostArray }[] = [];

  constructor(backend: Backend, dtype: Dtype) {
    this.#backend = backend;
    this.#dtype = dtype;
    this.#guard();
  }

  buffer(what: string, values: HostArray): DeviceBuffer {
    const buffer = this.#backend.alloc(this.#dtype, values.length);
    this.#backend.write(buffer, values);
    this.#buffers.push({ what, buffer, values });
    this.#guard();
    return buffer;
  }

  /** Sets the values that a buffer must hold from now on. */
  expect(buffer: DeviceBuffer, values: HostArray): void {
    for (const one of this.#buffers) if (one.buffer === buffer) one.values = values;
  }

  /** Compares every element of every buffer, including the guards. */
  async compared(): Promise<Comparison[]> {
    const done: Comparison[] = [];
    for (const { what, buffer, values } of this.#buffers) {
      done.push(exactly(what, await this.#backend.read(buffer, buffer.length), values));
    }
    const guard = hostArray(this.#dtype, PAD).fill(GUARD);
    for (const buffer of this.#guards) {
      done.push(exactly("a buffer that the call was not given", await this.#backend.read(buffer, PAD), guard));
    }
    return done;
  }

  dispose(): void {
    for (const { buffer } of this.#buffers) buffer.dispose();
    for (const buffer of this.#guards) buffer.dispose();
  }

  #guard(): void {
    const buffer = this.#backend.alloc(this.#dtype, PAD);
    this.#backend.write(buffer, hostArray(this.#dtype, PAD).fill(GUARD));
    this.#guards.push(buffer);
  }
}
