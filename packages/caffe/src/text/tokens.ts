export interface Token {
  readonly kind: "name" | "number" | "string" | "symbol" | "end";
  /** The text of the token, as written. */
  readonly text: string;
  readonly start: number;
}

/**
 * Makes an error with text `what` at an offset of the text. It ends with the position of the innermost open bracket.
 */
export type FailAt = (offset: number, what: string, opened?: number) => Error;

export interface Tokens {
  /** The next token, without consuming it. */
  peek(): Token;
  next(): Token;
}

const SPACE = /(?:\s|#[^\n]*)*/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /(?:0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?[fF]?)(?![A-Za-z0-9_.])/y;
/** A string cannot continue on the next line, even with an escape. */
const STRING = /"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'/y;
const SYMBOLS = "{}<>[]:,;-/.";

/** The tokens of protobuf's text format, one at a time. */
export function createTokens(text: string, failAt: FailAt): Tokens {
  let at = 0;
  let ahead: Token | null = null;
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? null;
  };
  const scan = (): Token => {
    at += match(SPACE)?.length ?? 0;
    const start = at;
    if (at >= text.length) return { kind: "end", text: "", start };
    const take = (kind: Token["kind"], found: string): Token => {
      at += found.length;
      return { kind, text: found, start };
    };
    const name = match(NAME);
    if (name !== null) return take("name", name);
    const number = match(NUMBER);
    if (number !== null) return take("number", number);
    const string = match(STRING);
    if (string !== null) return take("string", string);
    const char = String.fromCodePoint(text.codePointAt(at) as number);
    if (SYMBOLS.includes(char)) return take("symbol", char);
    throw failAt(start, unreadable(text, start, char));
  };
  const peek = () => {
    ahead ??= scan();
    return ahead;
  };
  const next = () => {
    const token = peek();
    ahead = null;
    return token;
  };
  return { peek, next };
}

function unreadable(text: string, start: number, char: string): string {
  if (char === '"' || char === "'") return `a string that does not end on its line; close it with ${char}`;
  if (/\d/.test(char)) return `${/^[\w.]{1,40}/.exec(text.slice(start, start + 40))?.[0]} is not a number`;
  return `${JSON.stringify(char)} is not part of protobuf's text format; check that this is a .prototxt`;
}
