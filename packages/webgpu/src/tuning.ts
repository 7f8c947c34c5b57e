/** Sizes that were measured to be fast on a class of adapters. */
export interface Tuning {
  /** The number of threads per workgroup, a power of two. */
  readonly workgroup: number;
  /** The number of workgroups that keeps the adapter busy. Channels are cut into parts until there are this many. */
  readonly busy: number;
  /** The number of units per thread of a map. A unit is a vector of four values if the layout allows it. */
  readonly items: number;
  /** Whether a kernel copies faster than the device's own copy does. */
  readonly copies: boolean;
}

/** Workgroups of emulators have fewer threads. A GPU executes so many together, or more. */
export const LEAST_THREADS_OF_GPU = 32;

/** Sizes by the name of the adapter. An emulator pays for each barrier and has only a few cores. */
const CLASSES: readonly (readonly [RegExp, Tuning])[] = [
  // A workgroup of 8 threads took 0.7 to 1.1 of the time of 16, and mostly compiled a quarter faster; fewer threads
  // would widen N-1 (lib/reduce.wgsl). With 128 items instead of 64 the fixed cost per thread of a map is halved
  // (lib/map.wgsl), which took 0.9 to 1.0 of the time.
  [/swiftshader/i, { workgroup: 8, busy: 4, items: 128, copies: false }],
  [/llvmpipe|lavapipe|basic render/i, { workgroup: 16, busy: 4, items: 64, copies: false }],
];
// Real GPUs. Measured on an H100 alone (README.md): workgroups of 128 to 512 threads, 256 to 4096 busy ones and 1 to 8 items
// took 0.97 to 1.05 of this row's time on long rows. With 256 busy workgroups, backward of channels-last took 1.02 to 1.04, with 128
// 1.11 to 1.13. The device's own copy moves 0.8 TB/s there, the kernel 2.8.
const OTHERS: Tuning = { workgroup: 256, busy: 512, items: 4, copies: true };

/** The sizes for the device's adapter. Those in `given` replace them, and all are limited to the device's limits. */
export function tuningFor(device: GPUDevice, given: Partial<Tuning> = {}): Tuning {
  const { vendor, architecture, description } = device.adapterInfo;
  const [, row] = CLASSES.find(([name]) => name.test(`${vendor} ${architecture} ${description}`)) ?? [null, OTHERS];
  const tuning = { ...row, ...given };
  const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX } = device.limits;
  const most = Math.min(tuning.workgroup, maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX);
  return { ...tuning, workgroup: 2 ** Math.floor(Math.log2(most)) };
}
