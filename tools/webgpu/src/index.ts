export { type AdapterSource, setUpAdapter, softwareDriver } from "./adapter.ts";
export { launchBrowser } from "./browser.ts";
export { denoProgram, runInDeno } from "./deno.ts";
export { type OpenPage, openPage } from "./page.ts";
export { ISOLATED, type Site, serve } from "./serve.ts";
