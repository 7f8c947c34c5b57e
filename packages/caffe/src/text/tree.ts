import { createTokens, type FailAt, type Token, type Tokens } from "./tokens.ts";

/** A field of protobuf text, independent of any schema. */
export interface TextField {
  /** The name, including the brackets of an extension. */
  readonly name: string;
  /** Offset in the text. */
  readonly start: number;
  /** There are several values in a list `[a, b]`. */
  readonly values: readonly TextValue[];
  readonly list: boolean;
}

export type TextValue = TextMessage | TextScalar;

export interface TextMessage {
  readonly kind: "message";
  readonly start: number;
  readonly fields: readonly TextField[];
}

export interface TextScalar {
  readonly kind: "scalar";
  readonly start: number;
  /** The kind of the tokens. Adjacent strings are joined. */
  readonly token: "name" | "number" | "string";
  readonly negative: boolean;
  /** The tokens of the value, as written, without the sign. */
  readonly parts: readonly string[];
}

const MAX_DEPTH = 100;
/** Each value takes about a hundred bytes of memory, and the decoded message ten times as much. */
const MAX_VALUES = 2 ** 21;
const MESSAGE_VALUES = 16;

interface State {
  readonly tokens: Tokens;
  readonly failAt: FailAt;
  values: number;
  depth: number;
}

/**
 * Parses a text into fields and values by the grammar of protobuf's text format, without a schema.
 *
 * Errors: those that `failAt` makes.
 */
export function parseTree(text: string, failAt: FailAt): readonly TextField[] {
  return fieldsUntil({ tokens: createTokens(text, failAt), failAt, values: 0, depth: 0 }, null);
}

function fieldsUntil(state: State, open: Token | null): TextField[] {
  const { tokens, failAt } = state;
  const close = open === null ? "" : open.text === "{" ? "}" : ">";
  const fields: TextField[] = [];
  for (;;) {
    const token = tokens.peek();
    if (token.kind === "end") {
      if (open === null) return fields;
      throw failAt(token.start, `the file ends, expected ${close} to close ${open.text}`, open.start);
    }
    if (open !== null && token.text === close && token.kind === "symbol") {
      tokens.next();
      return fields;
    }
    fields.push(fieldOf(state));
    if (isSymbol(tokens.peek(), ",") || isSymbol(tokens.peek(), ";")) tokens.next();
  }
}

function fieldOf(state: State): TextField {
  const { tokens, failAt } = state;
  const first = tokens.next();
  const name = first.kind === "name" || first.kind === "number" ? first.text : extensionName(state, first);
  const colon = isSymbol(tokens.peek(), ":");
  if (colon) tokens.next();
  const list = isSymbol(tokens.peek(), "[");
  const values = list ? listOf(state) : [valueFrom(state)];
  const bare = colon ? undefined : values.find(({ kind }) => kind === "scalar");
  if (bare) throw failAt(bare.start, `expected : after ${name}, before its value`);
  return { name, start: first.start, values, list };
}

/** `[package.field]`, or `[domain/type]`. */
function extensionName({ tokens, failAt }: State, open: Token): string {
  if (!isSymbol(open, "[")) throw failAt(open.start, `${described(open)}, expected the name of a field`);
  let name = "[";
  for (;;) {
    const token = tokens.next();
    if (isSymbol(token, "]")) return `${name}]`;
    const part = token.kind === "name" || [".", "/", "-"].some((symbol) => isSymbol(token, symbol));
    if (!part) throw failAt(token.start, `${described(token)} in the name of an extension, expected ]`);
    name += token.text;
  }
}

function listOf(state: State): TextValue[] {
  const { tokens, failAt } = state;
  tokens.next();
  const values: TextValue[] = [];
  if (isSymbol(tokens.peek(), "]")) {
    tokens.next();
    return values;
  }
  for (;;) {
    values.push(valueFrom(state));
    const token = tokens.next();
    if (isSymbol(token, "]")) return values;
    if (!isSymbol(token, ",")) throw failAt(token.start, `${described(token)} in a list, expected , or ]`);
  }
}

function valueFrom(state: State): TextValue {
  const { tokens, failAt } = state;
  const first = tokens.next();
  const { start } = first;
  if (++state.values > MAX_VALUES) throw failAt(start, `more than ${MAX_VALUES} values; put weights in a .caffemodel`);
  if (isSymbol(first, "{") || isSymbol(first, "<")) {
    state.values += MESSAGE_VALUES;
    if (++state.depth > MAX_DEPTH) throw failAt(start, `messages are nested more than ${MAX_DEPTH} deep`);
    const fields = fieldsUntil(state, first);
    state.depth--;
    return { kind: "message", start, fields };
  }
  const negative = isSymbol(first, "-");
  const token = negative ? tokens.next() : first;
  if (token.kind === "symbol" || token.kind === "end")
    throw failAt(token.start, `${described(token)}, expected a value`);
  const parts = [token.text];
  if (token.kind === "string") {
    if (negative) throw failAt(start, "a sign before a string");
    while (tokens.peek().kind === "string") parts.push(tokens.next().text);
  }
  return { kind: "scalar", start, token: token.kind, negative, parts };
}

function isSymbol(token: Token, text: string): boolean {
  return token.kind === "symbol" && token.text === text;
}

function described({ kind, text }: Token): string {
  if (kind === "end") return "the file ends";
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}
