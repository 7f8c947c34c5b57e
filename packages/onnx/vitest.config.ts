import { defineConfig } from "vitest/config";

// Hundreds of cases, or of broken models, in one test.
export default defineConfig({ test: { testTimeout: 60_000 } });
