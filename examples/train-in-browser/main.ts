// Usage: npx vite train-in-browser
import { createWebGpu } from "@bn/webgpu";
import { train } from "../network.ts";

const output = document.querySelector("output") as HTMLOutputElement;
try {
  const gpu = await createWebGpu();
  const { losses, accuracy } = await train(gpu);
  const [first, last] = [losses[0], losses.at(-1)].map((loss) => loss?.toFixed(3));
  output.value = `cross-entropy ${first} -> ${last}, ${100 * accuracy} % right on ${gpu.supports.details.adapter}`;
  await gpu.dispose();
} catch (error) {
  output.value = String(error); // e.g. ERR_BN_UNAVAILABLE if this browser has no WebGPU; the message says what to do
}
