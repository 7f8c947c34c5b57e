import { type DescEnum, ScalarType } from "@bufbuild/protobuf";
import { unescapeString } from "./strings.ts";
import type { TextScalar } from "./tree.ts";

/** A value, or the description of what was expected instead. */
export type Outcome = { readonly value: unknown } | { readonly expected: string };

const RANGES: Partial<Record<ScalarType, readonly [bigint, bigint]>> = {
  [ScalarType.INT32]: [-(2n ** 31n), 2n ** 31n - 1n],
  [ScalarType.UINT32]: [0n, 2n ** 32n - 1n],
  [ScalarType.INT64]: [-(2n ** 63n), 2n ** 63n - 1n],
};
const BOOLS: Readonly<Record<string, boolean>> = {
  true: true,
  True: true,
  t: true,
  "1": true,
  false: false,
  False: false,
  f: false,
  "0": false,
};

/** A scalar of the text as a value of the schema's type. */
export function scalarOf(type: ScalarType, scalar: TextScalar): Outcome {
  if (type === ScalarType.STRING || type === ScalarType.BYTES) return stringOf(type, scalar);
  if (type === ScalarType.FLOAT || type === ScalarType.DOUBLE) return floatOf(type, scalar);
  const [text = ""] = scalar.parts;
  if (type === ScalarType.BOOL) {
    const value = scalar.negative || scalar.token === "string" ? undefined : BOOLS[text];
    return value === undefined ? { expected: "true or false" } : { value };
  }
  const value = integerOf(scalar);
  const [least, most] = RANGES[type] ?? [0n, 0n];
  if (value === null || value < least || value > most) return { expected: `a whole number from ${least} to ${most}` };
  return { value: type === ScalarType.INT64 ? value : Number(value) };
}

/** Reads the value of an enum, given by name or by number. */
export function enumOf(desc: DescEnum, scalar: TextScalar): Outcome {
  const number = scalar.token === "number" ? integerOf(scalar) : null;
  const found = desc.values.find(({ name, number: own }) =>
    number === null ? scalar.token === "name" && !scalar.negative && name === scalar.parts[0] : BigInt(own) === number,
  );
  return found ? { value: found.number } : { expected: `one of ${desc.values.map(({ name }) => name).join(", ")}` };
}

function integerOf({ token, negative, parts }: TextScalar): bigint | null {
  const [text = ""] = parts;
  if (token !== "number" || !/^(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)$/.test(text)) return null;
  const value = BigInt(/^0[0-7]+$/.test(text) ? `0o${text.slice(1)}` : text);
  return negative ? -value : value;
}

function floatOf(type: ScalarType, { token, negative, parts }: TextScalar): Outcome {
  const [text = ""] = parts;
  const expected = { expected: "a number, inf or nan" };
  let value: number;
  if (token === "name") {
    const named = /^(?:(inf|infinity)|nan)f?$/i.exec(text);
    if (!named) return expected;
    value = named[1] ? Number.POSITIVE_INFINITY : Number.NaN;
  } else if (token === "number" && !/^0[xX]/.test(text) && !/^0\d/.test(text)) {
    value = Number(text.replace(/[fF]$/, ""));
  } else {
    return expected;
  }
  const signed = negative ? -value : value;
  return { value: type === ScalarType.FLOAT ? Math.fround(signed) : signed };
}

function stringOf(type: ScalarType, { token, parts }: TextScalar): Outcome {
  if (token !== "string") return { expected: 'a string in quotes, "..."' };
  const pieces: Uint8Array[] = [];
  for (const part of parts) {
    const bytes = unescapeString(part);
    if (typeof bytes === "string") return { expected: `a string of protobuf's: ${bytes}` };
    pieces.push(bytes);
  }
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  if (type === ScalarType.BYTES) return { value: bytes };
  try {
    return { value: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { expected: "text that is UTF-8" };
  }
}
