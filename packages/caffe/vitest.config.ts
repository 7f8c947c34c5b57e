import { defineConfig } from "vitest/config";

// Whole networks, or hundreds of broken files, in one test.
export default defineConfig({ test: { testTimeout: 60_000, hookTimeout: 60_000 } });
