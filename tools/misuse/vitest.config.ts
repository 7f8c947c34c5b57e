import { defineConfig } from "vitest/config";

// Worker threads do not see the driver that test/setup.ts loads, and a software adapter uses all cores.
export default defineConfig({
  test: { pool: "forks", fileParallelism: false, setupFiles: ["test/setup.ts"], testTimeout: 300_000 },
});
