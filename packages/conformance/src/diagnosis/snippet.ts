import { type Call, IN_PLACE, type Operand, SIGNATURES } from "./call.ts";
import type { Judged } from "./judge.ts";

/** Stands for the statement that imports `create`, which only the caller knows. */
export const IMPORT = "IMPORT";
/** A program with more numbers than this would not help a reader. */
const MOST_NUMBERS = 64;

/**
 * A program that makes this one call on literal numbers and prints its worst output. It is undefined if the program
 * would be too long.
 */
export function snippetOf(call: Call, { worst, truths }: Judged): string | undefined {
  const count = [...call.before.values()].reduce((sum, { length }) => sum + length, 0);
  if (count > MOST_NUMBERS) return undefined;
  const pair = call.inPlace ? IN_PLACE[call.kernel] : undefined;
  const names = new Map<string, string>();
  const buffers: string[] = [];
  for (const [path, values] of call.before) {
    if (path === pair?.[0]) continue;
    names.set(path, nameOf(path));
    buffers.push(`const ${nameOf(path)} = buffer(${[...values].map(literal).join(", ")});`);
  }
  if (pair) names.set(pair[0], names.get(pair[1]) as string);
  const array = call.dtype === "float32" ? "Float32Array" : "Float64Array";
  const operands = Object.entries(SIGNATURES[call.kernel]).map(([key, operand]) => argument(operand, key, call, names));
  const path = worst?.what.split("[")[0] ?? "";
  const output = names.get(path) ?? [...names.values()].at(-1);
  const expected = truths[path];
  const length = call.before.get(path)?.length ?? 1;
  const right = expected ? [`// expected ${[...expected.expected].slice(0, 4).join(", ")}`] : [];
  const { outer, channels, inner } = call.g;
  const axes = Object.values(SIGNATURES[call.kernel]).some(({ kind }) => kind === "geometry");
  const g = axes ? [`const g = { outer: ${outer}, channels: ${channels}, inner: ${inner} };`] : [];
  return [
    IMPORT,
    "const backend = await create();",
    "const buffer = (...values) => {",
    `  const made = backend.alloc("${call.dtype}", values.length);`,
    `  backend.write(made, ${array}.from(values)); return made;`,
    "};",
    ...packed([...buffers, ...g], " "),
    ...statement(`backend.kernels.${call.kernel}`, operands),
    `console.log(await backend.read(${output}, ${length}));`,
    ...right,
  ].join("\n");
}

const WIDTH = 90;

/** A call, on several lines if it is long. */
function statement(name: string, operands: readonly string[]): string[] {
  const line = `${name}(${operands.join(", ")});`;
  if (line.length <= WIDTH) return [line];
  return [
    `${name}(`,
    ...packed(
      operands.map((one) => `${one},`),
      " ",
    ).map((part) => `  ${part}`),
    ");",
  ];
}

/** Puts short parts on the same line. */
function packed(parts: readonly string[], between: string): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + part.length < WIDTH) lines[lines.length - 1] = `${last}${between}${part}`;
    else lines.push(part);
  }
  return lines;
}

function argument(operand: Operand, path: string, call: Call, names: ReadonlyMap<string, string>): string {
  if (operand.kind === "buffer") return names.get(path) ?? "null";
  if (operand.kind === "number") return literal(call.numbers.get(path) ?? 0);
  if (operand.kind === "geometry") return "g";
  if (operand.kind === "length") return String(call.g.channels);
  const there = [...names.keys()].some((key) => key.startsWith(`${path}.`));
  if (!there && operand.optional) return "null";
  const parts = Object.entries(operand.fields).map(([key, field]) => {
    const value = argument(field, `${path}.${key}`, call, names);
    return value === key ? key : `${key}: ${value}`;
  });
  return `{ ${parts.join(", ")} }`;
}

/** Shortens `stats.mean` to `mean` and `sums.dy` to `sumsDy`, which do not collide with the tensors' names. */
function nameOf(path: string): string {
  const [first, ...rest] = path.split(".");
  if (rest.length === 0) return first as string;
  const last = rest.at(-1) as string;
  const owner = rest.length > 1 ? (rest[0] as string) : (first as string);
  return owner === "affine" || owner === "stats" || owner === "out"
    ? last
    : owner + last[0]?.toUpperCase() + last.slice(1);
}

const literal = (value: number) => (Object.is(value, -0) ? "-0" : String(value));
