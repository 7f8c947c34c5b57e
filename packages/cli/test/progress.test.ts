import { expect, test } from "vitest";
import { createProgress } from "../src/progress.ts";

/** Records what is written, as a terminal or a file would get it. */
function recorder(isTTY: boolean) {
  const written: string[] = [];
  return { written, isTTY, columns: 20, write: (text: string) => written.push(text) };
}

const ERASE = "\r\x1b[K";

test("on a terminal one line is rewritten, never wider than the terminal, and removed at the end", () => {
  const stream = recorder(true);
  const progress = createProgress(stream, {});
  progress.start("cpu", 200);
  progress.step(50, "layers/some-long-name");
  progress.end("200 passed");
  expect(stream.written).toEqual([`${ERASE}cpu  25% 50/200 lay`, ERASE]);
});

test.each([
  ["a file", false, {}],
  ["a dumb terminal", true, { TERM: "dumb" }],
  ["continuous integration", true, { CI: "true" }],
])("for %s plain lines say the start and the end", (_, isTTY, env) => {
  const stream = recorder(isTTY);
  const progress = createProgress(stream, env);
  progress.start("cpu", 200);
  progress.step(50, "layers/a");
  progress.end("200 passed");
  progress.clear();
  expect(stream.written[0]).toBe("cpu: 200 to do\n");
  expect(stream.written[1]).toMatch(/^cpu: 200 passed in \d+\.\d s\n$/);
  expect(stream.written).toHaveLength(2);
});
