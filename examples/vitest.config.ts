import { defineConfig } from "vitest/config";

// write-a-backend is a package of its own, and its test is the suite.
export default defineConfig({ test: { include: ["test/**/*.test.ts"], testTimeout: 120_000 } });
