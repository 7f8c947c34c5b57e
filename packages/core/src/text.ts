/** Describes a value in words, for messages that say what came. It runs no code of the value. */
export function textOf(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
    case "bigint":
      return `the BigInt ${value}`;
    case "symbol":
      return "a symbol";
    case "function":
      return "a function";
    case "object":
      return objectText(value);
    default:
      return String(value);
  }
}

/** Kinds of objects that are often passed by mistake: a forgotten `await`, or a Blob instead of a list. */
const KINDS: Readonly<Record<string, string>> = {
  Object: "an object",
  Promise: "a promise",
  ArrayBuffer: "an ArrayBuffer",
  Array: "an array",
};

function objectText(value: object | null): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  if (kind === "Object" && "dtype" in value) return "shape" in value ? "a blob" : "a buffer";
  if (kind === "Object" && "contractVersion" in value) return "a backend";
  return KINDS[kind] ?? `a ${kind}`;
}
