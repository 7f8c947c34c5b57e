// Usage: pnpm --filter @bn/playground screenshots [NAME ...]. Draws docs/images/playground-*.png for the README. It
// also draws every panel at 400, 1280 and 3840 px, light and dark, into apps/playground/shots, which git ignores, for
// visual inspection.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ISOLATED, launchBrowser } from "@bn/gpu-setup";
import { buildOnce, serveBuilt } from "../build/site.ts";
import { HERE } from "../build/versions.ts";
import { SHOTS } from "./shots.ts";

const VIEWS = [
  { width: 400, height: 900, schemes: ["light", "dark"] },
  { width: 1280, height: 900, schemes: ["light", "dark"] },
  { width: 3840, height: 2160, schemes: ["light"] },
] as const;

const [shots, images] = [join(HERE, "shots"), join(HERE, "../../docs/images")];
const asked = process.argv.slice(2);
mkdirSync(shots, { recursive: true });
await buildOnce();
const [site, browser] = await Promise.all([serveBuilt(ISOLATED), launchBrowser()]);
try {
  for (const { name, hash, use, readme } of SHOTS) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    const page = await browser.newPage({ viewport: { width: 1280, height: readme ?? 900 }, reducedMotion: "reduce" });
    await page.goto(`${site.url}${hash}`);
    await use(page);
    if (readme !== undefined) await page.screenshot({ path: join(images, `playground-${name}.png`) });
    for (const { width, height, schemes } of VIEWS) {
      await page.setViewportSize({ width, height });
      for (const colorScheme of schemes) {
        await page.emulateMedia({ colorScheme });
        const path = join(shots, `${name}-${width}-${colorScheme}.png`);
        await page.screenshot({ path, fullPage: width < 3840 });
      }
    }
    await page.close();
    process.stdout.write(`${name}\n`);
  }
} finally {
  await browser.close();
  await site.close();
}
