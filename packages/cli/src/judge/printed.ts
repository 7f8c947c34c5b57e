import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { printable } from "../output.ts";

/** The output of a process. A library should print nothing, so a part of it is enough. */
export interface Printed {
  readonly lines: number;
  readonly first: readonly string[];
  readonly last: string;
}

const LINES_KEPT = 5;
const LINE_LENGTH = 160;
const MS_TO_DRAIN = 100;

/** Collects the output of both streams in order of arrival, and keeps the first and the last lines. */
export function printedBy(child: ChildProcess): { all(): Promise<Printed> } {
  const first: string[] = [];
  let [lines, last] = [0, ""];
  const closed = [child.stdout, child.stderr].map((stream) =>
    stream
      ? followLines(stream, (line) => {
          if (line.trim() === "") return;
          lines++;
          last = line;
          if (first.length < LINES_KEPT) first.push(line);
        })
      : Promise.resolve(),
  );
  return {
    async all() {
      // A process that this one started may keep the streams open forever.
      await Promise.race([Promise.all(closed), setTimeout(MS_TO_DRAIN)]);
      for (const stream of [child.stdout, child.stderr]) stream?.destroy();
      return { lines, first, last };
    },
  };
}

function followLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    // A line without an end may be of any length, so only its start is kept.
    rest = (parts.pop() ?? "").slice(0, LINE_LENGTH);
    for (const part of parts) onLine(clean(part));
  });
  stream.on("error", () => {});
  return new Promise((resolve) => {
    stream.once("close", () => {
      if (rest !== "") onLine(clean(rest));
      resolve();
    });
  });
}

const clean = (line: string) => printable(line.replace(/\r$/, "")).slice(0, LINE_LENGTH);
