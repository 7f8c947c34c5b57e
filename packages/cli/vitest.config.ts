import { defineConfig } from "vitest/config";

// The limits are long because a test starts `bn` several times, which takes seconds of processor time on a busy
// machine.
export default defineConfig({ test: { testTimeout: 300_000, hookTimeout: 60_000, maxConcurrency: 2 } });
