import { defineConfig } from "vite";
import { contentSecurity } from "./build/content-security.ts";
import { offline } from "./build/offline.ts";
import { siteFiles } from "./build/site-files.ts";
import { versions } from "./build/versions.ts";
import { withoutProcesses } from "./build/without-processes.ts";

export default defineConfig({
  base: "./", // works in any folder of any static host
  define: { VERSIONS: JSON.stringify(versions()) },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [withoutProcesses(), siteFiles(), contentSecurity(), offline()],
  build: { target: "es2022", chunkSizeWarningLimit: 1500, assetsInlineLimit: 0 },
  worker: { format: "es", plugins: () => [withoutProcesses()] },
  server: { host: "127.0.0.1" },
  preview: { host: "127.0.0.1" },
});
