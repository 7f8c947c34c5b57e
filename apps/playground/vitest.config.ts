import { defineConfig } from "vitest/config";

// Runs one browser at a time, on the built page.
export default defineConfig({
  test: { include: ["test/**/*.test.ts"], fileParallelism: false, testTimeout: 90_000, hookTimeout: 90_000 },
});
