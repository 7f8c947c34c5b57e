import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Worker threads do not see the driver that test/setup.ts brings in; an adapter in software takes all cores.
    pool: "forks",
    fileParallelism: false,
    setupFiles: ["test/setup.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
