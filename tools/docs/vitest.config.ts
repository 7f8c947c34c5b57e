import { defineConfig } from "vitest/config";

// dist/ holds the fences, of which some are tests: they run one by one, as readers would run them.
export default defineConfig({ test: { include: ["test/**/*.test.ts"], testTimeout: 120_000 } });
