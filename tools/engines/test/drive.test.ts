import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ISOLATED, type Site, serve } from "@bn/gpu-setup";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Driven, ENGINES, missing, type Person, personAt } from "../src/index.ts";

/** The page shows each event that it gets. */
const BODY = `<title>t</title><button onclick="say(event.isTrusted ? 'clicked' : 'made up')">Press me</button>
  <label><input type="checkbox" onchange="say('checked ' + this.checked)"> a box</label>
  <input id="text" onkeydown="say('key ' + event.key)">
  <input id="files" type="file" multiple onchange="Promise.all([...this.files].map((one) => one.text())).then((all) => say(all.join('+')))">
  <div id="pad" style="width: 200px; height: 100px; background: tan" onpointermove="event.buttons && say('dragged to ' + event.offsetX)"></div>
  <p></p><script>const say = (text) => { document.querySelector("p").textContent = text; };</script>`;

for (const engine of ENGINES) {
  const lacking = missing(engine);
  const why = lacking.length > 0 ? ` (skipped: install Debian's ${lacking.join(", ")})` : "";
  describe.skipIf(lacking.length > 0)(`${engine.name}, driven${why}`, () => {
    let [site, driven, person]: [Site?, Driven?, Person?] = [];
    const profiles = () => readdirSync(tmpdir()).filter((name) => name.startsWith("bn-engine-"));
    const before = profiles();
    beforeAll(async () => {
      site = await serve([], ISOLATED, BODY);
      driven = await engine.drive({ seconds: 120 });
      person = personAt(driven);
      await driven.goto(site.url);
    }, 90_000);
    afterAll(async () => {
      await driven?.close();
      await site?.close();
      expect(profiles().filter((name) => !before.includes(name))).toEqual([]);
    });

    it("clicks, checks, types, drags and chooses files as a person would", { timeout: 60_000 }, async () => {
      await person?.click("button", /Press/);
      await person?.see("p", /^clicked$/);
      await person?.check(/a box/, true);
      await person?.see("p", /checked true/);
      await person?.focus("#text");
      await person?.press("ArrowUp");
      await person?.see("p", /key ArrowUp/);
      await person?.drag("#pad", 40, 0);
      await person?.see("p", /dragged to 140/);
      const folder = mkdtempSync(join(tmpdir(), "bn-files-"));
      const paths = ["a", "b"].map((name) => join(folder, name));
      for (const path of paths) writeFileSync(path, `of ${path.at(-1)}`);
      await driven?.choose("#files", paths);
      await person?.see("p", /^of a\+of b$/);
      rmSync(folder, { recursive: true });
    });

    it("tells what the page threw and wrote, and what is not there", { timeout: 60_000 }, async () => {
      expect(await driven?.run("return args.a + 1;", { a: 1 })).toBe(2);
      await expect(driven?.run("throw new TypeError('out of luck');")).rejects.toThrow(/out of luck/);
      await expect(person?.see("p", /nothing of the kind/, 0.2)).rejects.toThrow(
        /is not there after 0\.2 s.*Press me/s,
      );
      expect(await driven?.complaints()).toEqual([]);
      await driven?.run("console.error('so it is'); setTimeout(() => { throw new Error('later'); });");
      await expect.poll(async () => (await driven?.complaints())?.length).toBeGreaterThan(0);
    });
  });
}
