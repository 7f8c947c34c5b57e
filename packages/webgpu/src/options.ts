import { BnError, type OptionRules, readOptions } from "@bn/core";
import type { AdapterOptions } from "./gpu.ts";
import type { Tuning } from "./tuning.ts";

/** Either a device to borrow, or the choice of the adapter for a device that the backend creates. */
export type WebGpuOptions = ({ readonly device: GPUDevice } | (AdapterOptions & { readonly device?: never })) & {
  /** Sizes for this adapter, if you measured better ones than those in our table. */
  readonly tuning?: Partial<Tuning>;
};

const whole = (least: number, most: number) => (value: unknown) =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
const isObject = (value: unknown) => typeof value === "object" && value !== null;

/** The rule of each option. Sizes that exceed the device's limits are lowered to them (tuning.ts). */
const RULES: OptionRules = {
  device: {
    expected: "a GPUDevice",
    test: (value) => isObject(value) && isObject((value as GPUDevice).queue) && isObject((value as GPUDevice).limits),
  },
  powerPreference: {
    expected: '"low-power" or "high-performance"',
    test: (value) => value === "low-power" || value === "high-performance",
  },
  forceFallbackAdapter: { expected: "true or false", test: (value) => typeof value === "boolean" },
  gpu: {
    expected: "a GPU object, such as navigator.gpu",
    test: (value) => isObject(value) && typeof (value as GPU).requestAdapter === "function",
  },
  tuning: {
    expected: "an object with workgroup, busy, items, copies",
    test: isObject,
    fields: {
      workgroup: {
        expected: "a power of two from 1 to 1024",
        test: (value) => whole(1, 1024)(value) && Number.isInteger(Math.log2(value as number)),
      },
      busy: { expected: "a whole number from 1 to 65536", test: whole(1, 65_536) },
      items: { expected: "a whole number from 1 to 1024", test: whole(1, 1024) },
      copies: { expected: "true or false", test: (value) => typeof value === "boolean" },
    },
  },
};

/** Returns the given options after checking them. Errors: `ERR_BN_PARAM`. */
export function readWebGpuOptions(options: WebGpuOptions): WebGpuOptions {
  const read = readOptions("createWebGpu", options, RULES) as WebGpuOptions;
  // A size is either given or left out. A key with the value undefined is refused, because it probably comes from a
  // measurement that failed.
  const lost = Object.entries(options.tuning ?? {}).find(([, size]) => size === undefined);
  if (lost) {
    throw new BnError(
      "ERR_BN_PARAM",
      `createWebGpu: tuning.${lost[0]} is undefined, expected a value; pass one, or leave it out`,
    );
  }
  const extra = ["powerPreference", "forceFallbackAdapter", "gpu"].find((key) => key in read);
  if (read.device && extra) {
    throw new BnError(
      "ERR_BN_PARAM",
      `createWebGpu: ${extra} chooses an adapter, but device is given; pass one or the other`,
    );
  }
  return read;
}
