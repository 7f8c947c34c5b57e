import { defineConfig } from "vitest/config";

// The limits are long because a busy machine takes many times as long as a quiet one.
export default defineConfig({ test: { testTimeout: 120_000, hookTimeout: 60_000, maxConcurrency: 2 } });
