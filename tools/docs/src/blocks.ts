import type { Page } from "./pages.ts";

/** A fenced block of a page. */
export interface Block {
  readonly page: string;
  /** The line number of its first line of text. */
  readonly line: number;
  /** The text after the opening fence: `ts`, `ts file=mine.ts`, `console`, ... */
  readonly info: string;
  readonly lines: readonly string[];
  /** The line before the opening fence. */
  readonly before: string;
}

/** The fenced blocks of a page, or those in the docstrings of a source file. */
export function blocksOf({ path, text }: Page): Block[] {
  const blocks: Block[] = [];
  const lines = text.split("\n").map((line) => (path.endsWith(".ts") ? docstringLine(line) : line));
  for (let at = 0; at < lines.length; at++) {
    const open = /^(\s*)(```+)(.*)$/.exec(lines[at] ?? "");
    if (!open) continue;
    const [, indent = "", fence = "", info = ""] = open;
    const end = lines.findIndex((line, i) => i > at && line === indent + fence);
    if (end < 0) throw new Error(`${path}:${at + 1}: the fence has no end`);
    const inside = lines.slice(at + 1, end).map((one) => (one.startsWith(indent) ? one.slice(indent.length) : one));
    blocks.push({ page: path, line: at + 2, info: info.trim(), lines: inside, before: lines[at - 1] ?? "" });
    at = end;
  }
  return blocks;
}

/** A line of a docstring without its star. Other lines of a source contain no fence. */
function docstringLine(line: string): string {
  return /^\s*\* ?(.*)$/.exec(line)?.[1] ?? "";
}
