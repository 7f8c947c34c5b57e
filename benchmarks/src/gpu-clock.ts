import type { WebGpuBackend } from "@bn/webgpu";

/** Milliseconds that `repeats` calls of `work` take on the device, by its own clock. */
export type GpuClock = (work: () => void, repeats: number) => Promise<number>;

/** WebGPU's flags, which Node has no globals of. */
const [MAP_READ, COPY_SRC, COPY_DST, QUERY_RESOLVE] = [0x1, 0x4, 0x8, 0x200];

/** Copied while the calls are encoded, so that the device never waits for the host. */
const PLUG_BYTES = 2 ** 26;
/** The number of copies: 40 ms on an H100, in which the host encodes some 4,000 dispatches. An emulator needs none. */
const PLUGS = 240;

/**
 * A clock of the adapter's timestamps (WebGPU, timestamp-query), or null where it has none.
 *
 *   plug: copies that keep the device busy while the host encodes what follows
 *   first timestamp, `repeats` calls, second timestamp
 *
 * The wall's clock would time the host: it takes longer to encode a dispatch than a fast device to run it. An adapter may round
 * timestamps, so that the calls should take some milliseconds in all.
 */
export function createGpuClock({ device }: Pick<WebGpuBackend, "device">): GpuClock | null {
  if (!device.features.has("timestamp-query")) return null;
  const querySet = device.createQuerySet({ type: "timestamp", count: 2 });
  const resolved = device.createBuffer({ size: 16, usage: QUERY_RESOLVE | COPY_SRC });
  const readable = device.createBuffer({ size: 16, usage: MAP_READ | COPY_DST });
  const [from, to] = [0, 1].map(() => device.createBuffer({ size: PLUG_BYTES, usage: COPY_SRC | COPY_DST }));
  const plugs = /swiftshader|llvmpipe/i.test(device.adapterInfo.description) ? 0 : PLUGS;

  function stamp(at: 0 | 1): GPUCommandEncoder {
    const encoder = device.createCommandEncoder();
    encoder.beginComputePass({ timestampWrites: { querySet, endOfPassWriteIndex: at } }).end();
    return encoder;
  }

  return async (work, repeats) => {
    const plug = device.createCommandEncoder();
    for (let i = 0; i < plugs; i++) plug.copyBufferToBuffer(from as GPUBuffer, 0, to as GPUBuffer, 0, PLUG_BYTES);
    device.queue.submit([plug.finish(), stamp(0).finish()]);
    for (let i = 0; i < repeats; i++) work();
    await null; // the backend submits what is left at the end of a synchronous stretch
    const last = stamp(1);
    last.resolveQuerySet(querySet, 0, 2, resolved, 0);
    last.copyBufferToBuffer(resolved, 0, readable, 0, 16);
    device.queue.submit([last.finish()]);
    await readable.mapAsync(1 /* READ */);
    const [start, end] = new BigUint64Array(readable.getMappedRange());
    readable.unmap();
    return Number((end as bigint) - (start as bigint)) / 1e6;
  };
}
