export { type AdapterSource, setUpAdapter, softwareDriver } from "./adapter.ts";
export { launchBrowser } from "./browser.ts";
export { denoProgram, runInDeno } from "./deno.ts";
export { type OpenPage, openPage } from "./page.ts";
