import { BnError } from "@bn/core";

/**
 * A value of untrusted JSON with its place, for messages. Each reader checks the type, and throws `ERR_BN_DATA` with
 * the place, the value and the expected type.
 */
export interface Json {
  readonly where: string;
  readonly value: unknown;
}

/** Most defects of a folder have the same remedy. */
export const RESTORE = "; restore the folder from its source";

export function dataError(where: string, what: string, cause?: unknown): BnError {
  return new BnError("ERR_BN_DATA", `${where}: ${what}`, cause === undefined ? undefined : { cause });
}

/** A short form of any value for a message. */
function shown(value: unknown): string {
  if (value === undefined) return "missing";
  let text = "a deeply nested value";
  try {
    text = JSON.stringify(value);
  } catch {
    // JSON.parse accepts deeper values than JSON.stringify can write.
  }
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

export function wrong(json: Json, expected: string): BnError {
  return dataError(json.where, `is ${shown(json.value)}, expected ${expected}${RESTORE}`);
}

/**
 * Member `key` of an object. Only own members are read, so that `__proto__` and similar names have no special meaning.
 */
export function member(json: Json, key: string): Json {
  const { value } = json;
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(json, "an object");
  const found = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
  return { where: `${json.where} ${key}`, value: found };
}

export function keys(json: Json): string[] {
  const { value } = json;
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(json, "an object");
  return Object.keys(value);
}

export function list(json: Json, length?: number): Json[] {
  const { value } = json;
  const expected = length === undefined ? "a list" : `a list of ${length}`;
  if (!Array.isArray(value)) throw wrong(json, expected);
  if (length !== undefined && value.length !== length) {
    throw dataError(json.where, `has ${value.length} entries, expected ${length}${RESTORE}`);
  }
  return value.map((entry: unknown, i) => ({ where: `${json.where}[${i}]`, value: entry }));
}

export function text(json: Json): string {
  if (typeof json.value !== "string") throw wrong(json, "a string");
  return json.value;
}

export function truth(json: Json): boolean {
  if (typeof json.value !== "boolean") throw wrong(json, "true or false");
  return json.value;
}

export function number(json: Json): number {
  if (typeof json.value !== "number" || !Number.isFinite(json.value)) throw wrong(json, "a finite number");
  return json.value;
}

/** A whole number that is at least `min`. */
export function whole(json: Json, min: number): number {
  if (!Number.isSafeInteger(json.value) || (json.value as number) < min) throw wrong(json, `a whole number >= ${min}`);
  return json.value as number;
}

/** Reads one of the keys of `table`, and returns the value that belongs to it. */
export function oneOf<T>(json: Json, table: Readonly<Record<string, T>>): T {
  const { value } = json;
  if (typeof value !== "string" || !Object.hasOwn(table, value)) throw wrong(json, Object.keys(table).join(" or "));
  return table[value] as T;
}
