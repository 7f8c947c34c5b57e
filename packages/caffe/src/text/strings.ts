const SIMPLE: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 };
const ESCAPE = /\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([abfnrtv?\\'"]))/y;
const encoder = new TextEncoder();

/** The bytes of a literal with its quotes, or the reason why it is invalid. */
export function unescapeString(literal: string): Uint8Array | string {
  const inner = literal.slice(1, -1);
  if (!inner.includes("\\")) return encoder.encode(inner);
  const bytes: number[] = [];
  for (let at = 0; at < inner.length; ) {
    const next = inner.indexOf("\\", at);
    const end = next < 0 ? inner.length : next;
    for (const byte of encoder.encode(inner.slice(at, end))) bytes.push(byte);
    at = end;
    if (at >= inner.length) break;
    ESCAPE.lastIndex = at;
    const found = ESCAPE.exec(inner);
    if (!found) return `the escape ${inner.slice(at, at + 2)} is not one of protobuf's`;
    const [all, octal, hex, short, long, simple] = found;
    at += all.length;
    const point = short ?? long;
    if (point !== undefined) {
      const code = Number.parseInt(point, 16);
      if (code > 0x10ffff) return `${all} is not a character`;
      for (const byte of encoder.encode(String.fromCodePoint(code))) bytes.push(byte);
    } else if (simple !== undefined) {
      bytes.push(SIMPLE[simple] ?? simple.charCodeAt(0));
    } else {
      const byte = octal === undefined ? Number.parseInt(hex as string, 16) : Number.parseInt(octal, 8);
      if (byte > 255) return `${all} is not a byte`;
      bytes.push(byte);
    }
  }
  return Uint8Array.from(bytes);
}

/** Bytes as a literal. UTF-8 text stays readable. */
export function escapeString(bytes: Uint8Array): string {
  let text: string | null = null;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // These bytes need not be UTF-8.
  }
  const escaped = (value: string, from: RegExp) =>
    value.replace(from, (char) => NAMED[char] ?? `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);
  if (text !== null) return `"${escaped(text, /[\p{Cc}"\\]/gu)}"`;
  return `"${escaped(String.fromCharCode(...bytes), /[^ -~]|["\\]/g)}"`;
}

const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\" };
