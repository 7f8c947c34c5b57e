import { BnError } from "./errors.ts";
import { closest } from "./suggest.ts";
import { textOf } from "./text.ts";

/** The rule for the value of one option. */
export interface OptionRule {
  /** Completes the message "eps is -1, expected ...". */
  readonly expected: string;
  readonly test: (value: unknown) => boolean;
  /** Names that other libraries use for the option, each with a note on the difference, or "". */
  readonly aliases?: Readonly<Record<string, string>>;
  /** The rules of an option that is itself an object. */
  readonly fields?: OptionRules;
}
export type OptionRules = Readonly<Record<string, OptionRule>>;

/**
 * Reads an options object by a table with one rule per option, and reads each value once. Layers use it for their
 * parameters, and backends may use it for their options, so that every package refuses the same mistakes with the same
 * message. Options that are absent or `undefined` are left out of the result. `hints` say where an option that does not
 * exist here does exist.
 *
 * Errors: `ERR_BN_PARAM`, prefixed by `where`, if `given` is not an object (null, a string, an array, a promise), has
 * an unknown option (the message suggests a name), or has a value that its rule refuses.
 *
 * @example
 * ```ts
 * import { readOptions } from "@bn/core";
 * const rules = {
 *   threads: { expected: "1 to 64", test: (value: unknown) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 64 },
 * };
 * console.log(readOptions("createMine", { threads: 2 }, rules).threads); // 2
 * try {
 *   readOptions("createMine", { thread: 2 }, rules);
 * } catch (error) {
 *   console.log((error as Error).message); // createMine: unknown option thread: did you mean threads?
 * }
 * ```
 */
export function readOptions<T extends object>(
  where: string,
  given: T,
  rules: OptionRules,
  hints: Readonly<Record<string, string>> = {},
): Partial<T> {
  const read: Record<string, unknown> = {};
  checkObject(where, "options are", given, "an object");
  readFields(where, "", given as Record<string, unknown>, rules, hints, read);
  return read as Partial<T>;
}

function checkObject(where: string, what: string, given: unknown, expected: string): void {
  if (Object.prototype.toString.call(given) === "[object Object]") return;
  const hint = given instanceof Promise ? "; await it first" : "";
  throw new BnError("ERR_BN_PARAM", `${where}: ${what} ${textOf(given)}, expected ${expected}${hint}`);
}

function readFields(
  where: string,
  prefix: string,
  given: Record<string, unknown>,
  rules: OptionRules,
  hints: Readonly<Record<string, string>>,
  read: Record<string, unknown>,
): void {
  for (const key in given) if (!Object.hasOwn(rules, key)) unknown(where, prefix, key, rules, hints);
  for (const [key, rule] of Object.entries(rules)) {
    const value = given[key];
    if (value === undefined) continue;
    const name = prefix + key;
    if (rule.fields) {
      checkObject(where, `${name} is`, value, rule.expected);
      const fields: Record<string, unknown> = {};
      readFields(where, `${name}.`, value as Record<string, unknown>, rule.fields, {}, fields);
      read[key] = fields;
    } else {
      if (!rule.test(value)) {
        throw new BnError("ERR_BN_PARAM", `${where}: ${name} is ${textOf(value)}, expected ${rule.expected}`);
      }
      read[key] = value;
    }
  }
}

function unknown(
  where: string,
  prefix: string,
  key: string,
  rules: OptionRules,
  hints: Readonly<Record<string, string>>,
): never {
  const names = Object.keys(rules);
  const aliases = new Map(
    names.flatMap((name) => Object.entries(rules[name]?.aliases ?? {}).map(([alias, note]) => [alias, { name, note }])),
  );
  const found = closest(key, [...names, ...aliases.keys(), ...Object.keys(hints)]);
  const no = (cure: string) => {
    throw new BnError("ERR_BN_PARAM", `${where}: unknown option ${prefix}${key}${cure}`);
  };
  if (found === null) return no(`; the options are ${names.join(", ")}`);
  const alias = aliases.get(found);
  if (alias) return no(`: did you mean ${prefix}${alias.name}?${alias.note === "" ? "" : ` (${alias.note})`}`);
  if (Object.hasOwn(rules, found)) return no(`: did you mean ${prefix}${found}?`);
  return no(`: ${hints[found]}`);
}

/** The name in a layer's parameters, read before they are checked because messages start with it. */
export function nameOf(params: unknown): string {
  const name = typeof params === "object" && params !== null && "name" in params ? params.name : "";
  return typeof name === "string" ? name : "";
}
