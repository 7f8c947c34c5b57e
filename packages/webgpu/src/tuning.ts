/** Sizes that were measured to be fast on a class of adapters. */
export interface Tuning {
  /** Threads of a workgroup, a power of two. */
  readonly workgroup: number;
  /** Workgroups that keep the adapter busy: channels are cut into parts until there are so many. */
  readonly busy: number;
  /** Units, vectors of four where the layout allows, that a thread of a map takes. */
  readonly items: number;
}

/** Tuning by the name of the adapter. An emulator pays for each barrier and has a handful of cores. */
const CLASSES: readonly (readonly [RegExp, Tuning])[] = [
  // 8 in place of 16 threads took 0.7 to 1.1 of the time, and mostly a quarter less to compile; fewer would widen N-1
  // (lib/reduce.wgsl). 128 items in place of 64 halve what a thread of a map pays once (lib/map.wgsl): 0.9 to 1.0 of the time.
  [/swiftshader/i, { workgroup: 8, busy: 4, items: 128 }],
  [/llvmpipe|lavapipe|basic render/i, { workgroup: 16, busy: 4, items: 64 }],
];
const OTHERS: Tuning = { workgroup: 256, busy: 512, items: 4 };

/** The row of the device's adapter, what is `given` replaces it; all within the device's limits. */
export function tuningFor(device: GPUDevice, given: Partial<Tuning> = {}): Tuning {
  const { vendor, architecture, description } = device.adapterInfo;
  const [, row] = CLASSES.find(([name]) => name.test(`${vendor} ${architecture} ${description}`)) ?? [null, OTHERS];
  const tuning = { ...row, ...given };
  const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX } = device.limits;
  const most = Math.min(tuning.workgroup, maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX);
  return { ...tuning, workgroup: 2 ** Math.floor(Math.log2(most)) };
}
