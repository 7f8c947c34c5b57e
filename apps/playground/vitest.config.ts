import { defineConfig } from "vitest/config";

// One browser at a time, on the page as it is built.
export default defineConfig({
  test: { include: ["test/**/*.test.ts"], fileParallelism: false, testTimeout: 90_000, hookTimeout: 90_000 },
});
