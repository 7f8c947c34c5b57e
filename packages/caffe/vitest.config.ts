import { defineConfig } from "vitest/config";

// The limits are long because one test may run whole networks, or hundreds of broken files.
export default defineConfig({ test: { testTimeout: 60_000, hookTimeout: 60_000 } });
