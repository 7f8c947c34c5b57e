import { execFile, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createCpu } from "@bn/cpu";
import { expect, it } from "vitest";
import { train } from "../train-on-many/train.ts";

const FOLDER = fileURLToPath(new URL("../", import.meta.url));
const STEPS = 25;
const missing =
  spawnSync("mpirun", ["--version"]).status === 0 ? null : "there is no mpirun: install Debian's openmpi-bin";

it.skipIf(missing !== null)(
  `train-on-many: 4 ranks have the losses of one process${missing ? ` (skipped: ${missing})` : ""}`,
  async () => {
    const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" };
    const args = ["--oversubscribe", "-n", "4", process.execPath, "train-on-many/main.ts", String(STEPS)];
    const { stdout } = await promisify(execFile)("mpirun", args, { cwd: FOLDER, env });
    const [, first, last] = /^4 ranks: cross-entropy (\S+) -> (\S+)$/m.exec(stdout) ?? [];

    const cpu = await createCpu();
    const one = await train(cpu, null, STEPS);
    expect(one.losses.at(-1)).toBeLessThan(one.losses[0]! / 2); // the network learns
    // A single process with its rows in another order gives the same result except for roundings. Ranks may differ by
    // as much. An odd factor reorders the 128 rows.
    const others = await Promise.all(
      [3, 5, 7, 11, 77].map((factor) => train(cpu, null, STEPS, (row) => (row * factor) % 128)),
    );
    for (const [step, text] of [
      [0, first],
      [STEPS - 1, last],
    ] as const) {
      const right = one.losses[step]!;
      const spread = Math.max(...others.map(({ losses }) => Math.abs(losses[step]! - right)));
      expect(spread).toBeGreaterThan(0);
      expect(Math.abs(Number(text) - right), `step ${step}: ${text}, one process ${right}`).toBeLessThanOrEqual(
        8 * spread,
      );
    }
    await cpu.dispose();
  },
);
