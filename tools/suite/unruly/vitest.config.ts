import { defineConfig } from "vitest/config";

// These tests are not among this package's own, which run them in a separate process. Packages are loaded as from
// node_modules.
export default defineConfig({ test: { include: ["judged.ts"], server: { deps: { external: [/\/packages\//] } } } });
