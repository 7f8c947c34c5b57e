// Usage: node train-in-node/main.ts
import { createCpu } from "@bn/cpu";
import { train } from "../network.ts";

const cpu = await createCpu();
const { losses, accuracy } = await train(cpu);
console.log(
  `cross-entropy ${losses[0]?.toFixed(3)} -> ${losses.at(-1)?.toFixed(3)}, ${100 * accuracy} % right in the test phase`,
);
await cpu.dispose();
