import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Worker threads do not see the driver that test/setup.ts loads, and a software adapter uses all cores.
    pool: "forks",
    fileParallelism: false,
    setupFiles: ["test/setup.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
