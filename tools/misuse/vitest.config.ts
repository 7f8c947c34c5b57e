import { defineConfig } from "vitest/config";

// Worker threads do not see the driver that test/setup.ts brings in; an adapter in software takes all cores.
export default defineConfig({
  test: { pool: "forks", fileParallelism: false, setupFiles: ["test/setup.ts"], testTimeout: 300_000 },
});
