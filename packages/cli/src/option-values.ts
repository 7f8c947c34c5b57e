import type { RuntimeOptions } from "@bn/onnx/verify";
import { bad } from "./errors.ts";

/** The number of an option; undefined if it is not given. Errors: `ERR_BN_PARAM` if it does not fit. */
export function numberOf(
  option: string,
  text: string | undefined,
  fits: (value: number) => boolean,
  expected: string,
): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (fits(value)) return value;
  throw bad(`${option} ${text}: expected ${expected}`);
}

export function positiveOf(option: string, text: string | undefined): number | undefined {
  return numberOf(option, text, (value) => value > 0 && value < Number.POSITIVE_INFINITY, "a number above 0");
}

export function wholeOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined || /^[1-9]\d{0,8}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw bad(`${option} ${text}: expected a whole number >= 1`);
}

/** The value of an option that has one of the names `known`. */
export function oneOf<T extends string | number>(option: string, text: string, known: readonly T[]): T {
  const found = known.find((one) => String(one) === text);
  if (found !== undefined) return found;
  throw bad(`${option} ${text}: expected ${known.join(", ")}`);
}

/** `--shard I/N`. */
export function shardOf(text: string): { readonly index: number; readonly count: number } {
  const [, index, count] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (shard.index >= 1 && shard.index <= shard.count) return shard;
  throw bad(`--shard ${text}: expected I/N with I from 1 to N, e.g. 2/8`);
}

/** Errors: `ERR_BN_PARAM` if one of `options`, by name, is given although it would have no effect. */
export function refuse(options: Readonly<Record<string, unknown>>, why: string): void {
  const found = Object.keys(options).find((name) => options[name] !== undefined && options[name] !== false);
  if (found !== undefined) throw bad(`${found} ${why}; leave it out`);
}

/** The options of commands that limit the process that ONNX Runtime runs in. */
export interface LimitOptions {
  readonly timeout?: string;
  readonly maxMemory?: string;
  readonly threads?: string;
}

export function limitsOf({ timeout, maxMemory, threads }: LimitOptions): RuntimeOptions {
  const mebibytes = positiveOf("--max-memory", maxMemory);
  return {
    timeout: positiveOf("--timeout", timeout),
    memory: mebibytes && mebibytes * 2 ** 20,
    threads: wholeOf("--threads", threads),
  };
}
