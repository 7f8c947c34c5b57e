import { fileURLToPath } from "node:url";

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

/** The stack of an error and of its causes, as Node prints them. */
export function stackOf(error: unknown): string {
  const parts: string[] = [];
  for (let e = error; e instanceof Error && parts.length < 5; e = e.cause) {
    parts.push(`${parts.length > 0 ? "caused by " : ""}${e.stack ?? String(e)}`);
  }
  return parts.join("\n") || String(error);
}

/** Files that are Node's, the suite's or core's: a user looks for his own. */
const OURS = /^node:|[\\/]@bn[\\/]|[\\/](?:core|conformance|cli|onnx)[\\/](?:dist|src)[\\/]/;

/** `path:line:column` of the first frame that is neither Node's nor ours, or null. */
export function userFrame(stack: string): string | null {
  for (const line of stack.split("\n")) {
    const place = /^\s+at (?:.*\()?((?:file:\/\/|\/|[A-Za-z]:\\).*?):(\d+):(\d+)\)?$/.exec(line);
    if (!place) continue;
    const [, url = "", row, column] = place;
    const path = url.startsWith("file:") ? fileURLToPath(url) : url;
    if (!OURS.test(path)) return `${path}:${row}:${column}`;
  }
  return null;
}
