import { defineConfig } from "vitest/config";

// The limits are long because one test may run hundreds of cases or of broken models.
export default defineConfig({ test: { testTimeout: 60_000 } });
