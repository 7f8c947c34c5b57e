import { defineConfig } from "vitest/config";

// Not among this package's own tests: they run it, in a process of its own. Packages are loaded as from node_modules.
export default defineConfig({ test: { include: ["judged.ts"], server: { deps: { external: [/\/packages\//] } } } });
