import { createBlob } from "@bn/core";
import { describe, expect, it } from "vitest";
import { createWebGpu } from "../src/index.ts";
import { nudged } from "../src/nudge.ts";

/** A device that, like Firefox, reports the end of a wait only when something is submitted. */
function sleepy() {
  let tell = () => {};
  const told = new Promise<void>((resolve) => {
    tell = resolve;
  });
  let lose = () => {};
  const lost = new Promise<void>((resolve) => {
    lose = resolve;
  });
  let submits = 0;
  const submit = (commands: readonly never[]) => {
    expect(commands).toEqual([]);
    submits += 1;
    if (submits === 3) tell();
  };
  return { device: { lost, queue: { submit } }, told, lose, count: () => submits };
}
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a wait for the device", () => {
  it("submits nothing until the device tells of the end, and then no more", async () => {
    const { device, told, count } = sleepy();
    await nudged(device, told);
    expect(count()).toBe(3);
    await pause(60);
    expect(count()).toBe(3);
  });

  it("submits nothing once the device is lost", async () => {
    const { device, lose, count } = sleepy();
    nudged(device, new Promise(() => {}));
    lose();
    await pause(60);
    expect(count()).toBe(0);
  });

  it("gives what the wait gives, errors too", async () => {
    const { device } = sleepy();
    expect(await nudged(device, Promise.resolve(5))).toBe(5);
    await expect(nudged(device, Promise.reject(new Error("no")))).rejects.toThrow("no");
  });

  it("is over when a device is lost in the middle of a read", async () => {
    const gpu = await createWebGpu();
    const blob = createBlob(gpu, [3]);
    const reading = blob.read();
    gpu.device.destroy();
    await expect(reading).rejects.toMatchObject({ code: "ERR_BN_DEVICE" });
    const { queue } = gpu.device;
    let submits = 0;
    queue.submit = () => {
      submits += 1;
    };
    await pause(60);
    expect(submits).toBe(0);
    await gpu.dispose();
  });
});
