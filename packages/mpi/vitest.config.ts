import { defineConfig } from "vitest/config";

// The limits are long because each test runs several Node processes on few cores.
export default defineConfig({ test: { testTimeout: 120_000, hookTimeout: 60_000 } });
