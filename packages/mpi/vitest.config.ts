import { defineConfig } from "vitest/config";

// Several processes of Node per test, on as many cores as there are.
export default defineConfig({ test: { testTimeout: 120_000, hookTimeout: 60_000 } });
