import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { pages, ROOT, read, sources } from "../src/pages.ts";

/** The anchor that GitHub gives a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
}

const prose = (text: string) => text.replace(/```[\s\S]*?```/g, "");
const anchors = (text: string) => [...prose(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchor(heading));
const [spec, differences] = [read("docs/spec.md")[0], read("docs/caffe-differences.md")[0]];

describe("links", () => {
  const links = pages().flatMap(({ path, text }) =>
    [...prose(text).matchAll(/\]\((?!https?:)([^)\s]*?)(?:#([^)\s]*))?\)/g)].map(([, to = "", at]) => ({
      path,
      text,
      to,
      at,
    })),
  );

  it("has some", () => expect(links.length).toBeGreaterThan(10));

  it.each(links)("$path -> $to#$at", ({ path, text, to, at }) => {
    const target = to === "" ? path : join(dirname(path), to);
    expect(existsSync(join(ROOT, target)), target).toBe(true);
    if (at !== undefined) expect(anchors(to === "" ? text : (read(target)[0]?.text ?? ""))).toContain(at);
  });
});

describe("clauses", () => {
  const law = `${spec?.text}${read("docs/folding.md")[0]?.text}`;
  const defined = new Set([...law.matchAll(/\*\*([A-Z]{1,2}-\d+)\b/g)].map(([, id]) => id));
  const entries = new Set([...(differences?.text ?? "").matchAll(/^### (D-\d+) /gm)].map(([, id]) => id));
  const prefixes = [...new Set([...defined].map((id) => id?.replace(/-\d+/, "")))].join("|");
  const named = new RegExp(`(?<![\\w.-])(?:${prefixes}|D)-\\d+(?![\\w-])`, "g");

  it("has some", () => {
    expect(defined.size).toBeGreaterThan(40);
    expect(entries.size).toBeGreaterThan(20);
  });

  it("knows a clause when it sees one", () => {
    expect("BN-99, (D-99) and S-7; not FNV-1a, AVX-512, e-S-1 or N-1x".match(named)).toEqual(["BN-99", "D-99", "S-7"]);
  });

  it.each([...pages(), ...sources()].map((page) => [page.path, page] as const))(
    "%s names those that exist",
    (_, page) => {
      const unknown = (page.text.match(named) ?? []).filter((id) => !defined.has(id) && !entries.has(id));
      expect(unknown).toEqual([]);
    },
  );
});
