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

/** Files of Node, the suite or core. Users look for their own files. */
const OURS = /^node:|[\\/]@bn[\\/]|[\\/](?:core|conformance|cli|onnx)[\\/](?:dist|src)[\\/]/;

/** `path:line:column` of the first stack frame that belongs to user code, or null. */
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
