import { defineConfig } from "vitest/config";

// dist/ contains the fences, some of which are tests. They are run one by one, as readers would run them.
export default defineConfig({ test: { include: ["test/**/*.test.ts"], testTimeout: 120_000 } });
