import { defineConfig } from "vitest/config";

// A test starts `bn` a few times: seconds of one processor, which a busy machine may not have.
export default defineConfig({ test: { testTimeout: 300_000, hookTimeout: 60_000, maxConcurrency: 2 } });
