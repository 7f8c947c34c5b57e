// Usage: node swap-a-backend/main.ts
import { createCpu } from "@bn/cpu";
import { createWasm } from "@bn/wasm";
import { createWebGpu } from "@bn/webgpu";
import { train } from "../network.ts";

// The backend is created in one place and passed on. No other line depends on it.
for (const create of [createCpu, createWasm, createWebGpu]) {
  try {
    const backend = await create();
    const { losses, accuracy } = await train(backend);
    console.log(
      `${backend.name}: cross-entropy ${losses[0]?.toFixed(3)} -> ${losses.at(-1)?.toFixed(3)}, ${100 * accuracy} % right`,
    );
    await backend.dispose();
  } catch (error) {
    if ((error as { code?: string }).code !== "ERR_BN_UNAVAILABLE") throw error;
    console.log((error as Error).message);
  }
}
