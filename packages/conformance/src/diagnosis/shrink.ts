import type { Geometry, HostArray } from "@bn/core";
import { type Call, type Called, geometryOf, givenLeaves, optionalParts, type Size, sizeOf } from "./call.ts";

/** Repeats a call. Returns its failure, or null if it passes. */
export type Try = (call: Call) => Promise<Called | null>;

/** Shrinking ends after this many calls, or after this much time. */
const MOST_TRIES = 300;
const MS_MOST = 4000;

/**
 * Finds the smallest call that still fails: first with fewer rows, channels and elements, then with fewer operands,
 * then with simpler numbers. Each step keeps the first smaller call that fails, so a failure that needs a certain size
 * keeps that size.
 */
export async function shrink(
  failing: Called,
  attempt: Try,
  now: () => number,
): Promise<{ shape: Called; call: Called }> {
  const [started, budget] = [now(), { left: MOST_TRIES }];
  const over = () => budget.left <= 0 || now() - started > MS_MOST;
  const reduce = async (from: Called, candidates: (call: Called) => Iterable<Call>): Promise<Called> => {
    let best = from;
    for (let again = true; again && !over(); ) {
      again = false;
      for (const candidate of candidates(best)) {
        if (over()) break;
        budget.left--;
        const found = await attempt(candidate);
        if (!found) continue;
        best = found;
        again = true;
        break;
      }
    }
    return best;
  };
  const shape = await reduce(await reduce(failing, smallerShapes), fewerOperands);
  const call = await reduce(shape, simplerNumbers);
  return { shape, call };
}

const AXES = ["outer", "channels", "inner"] as const;

function* smallerShapes(call: Called): Iterable<Call> {
  for (const axis of AXES) {
    for (const size of smallerSizes(call.g[axis])) yield withShape(call, { ...call.g, [axis]: size });
  }
}

/** Tries 1, then takes away halves. It finds 33 from 1000 if 33 and more fail, and 3 if every fourth size fails. */
function* smallerSizes(size: number): Iterable<number> {
  if (size <= 1) return;
  let last = 0;
  for (let taken = size - 1; taken >= 1; taken = Math.floor(taken / 2)) {
    if (size - taken !== last) yield size - taken;
    last = size - taken;
  }
}

/**
 * The call over the first rows, channels and elements of its operands, with buffers that are no longer than necessary.
 */
function withShape(call: Call, g: Geometry): Call {
  const before = new Map<string, HostArray>();
  for (const { path, size } of givenLeaves(call)) {
    before.set(path, part(call.before.get(path) as HostArray, call.g, g, size));
  }
  const numbers = new Map(call.numbers);
  const m = numbers.get("m");
  if (m === call.g.outer * call.g.inner) numbers.set("m", g.outer * g.inner);
  return { ...plain(call), g, before, numbers };
}

function part(values: HostArray, from: Geometry, to: Geometry, size: Size): HostArray {
  const [old, small] = [geometryOf(from, size), geometryOf(to, size)];
  const taken = values.slice(0, sizeOf(to, size));
  let n = 0;
  for (let o = 0; o < small.outer; o++) {
    for (let c = 0; c < small.channels; c++) {
      for (let k = 0; k < small.inner; k++) {
        taken[n++] = values[(o * old.channels + c) * old.inner + k] as number;
      }
    }
  }
  return taken;
}

function* fewerOperands(call: Called): Iterable<Call> {
  if ([...call.before].some(([, values]) => values.length > Math.max(...lengths(call)))) yield withShape(call, call.g);
  if (call.inPlace) yield { ...plain(call), inPlace: false };
  const parts = optionalParts(call.kernel).toSorted((a, b) => b.length - a.length);
  for (const optional of parts) {
    const paths = [...call.before.keys()].filter((path) => path === optional || path.startsWith(`${optional}.`));
    if (paths.length === 0) continue;
    const before = new Map([...call.before].filter(([path]) => !paths.includes(path)));
    const numbers = new Map([...call.numbers].filter(([path]) => !path.startsWith(`${optional}.`)));
    yield { ...plain(call), before, numbers };
  }
}

const lengths = (call: Call) => givenLeaves(call).map(({ size }) => sizeOf(call.g, size));

/**
 * Makes all numbers of an operand simple at once, then shortens their digits. A failure that needs its numbers keeps
 * them.
 */
const SIMPLER: readonly ((value: number, i: number) => number)[] = [
  () => 0,
  () => 1,
  (_, i) => i + 1,
  (value) => Math.round(value),
  (value) => Number(value.toPrecision(2)),
];

function* simplerNumbers(call: Called): Iterable<Call> {
  for (const { path, use, size } of givenLeaves(call)) {
    // The contents of an output matter only if they are kept or added to; otherwise they stay garbage.
    if (use === "out") continue;
    const values = call.before.get(path) as HostArray;
    const length = sizeOf(call.g, size);
    for (const simpler of SIMPLER) {
      const next = values.map((value, i) => (i < length ? simpler(value, i) : value));
      if (next.some((value) => !Number.isFinite(value)) || rank(next) >= rank(values)) continue;
      yield { ...plain(call), before: new Map([...call.before, [path, next]]) };
    }
  }
}

/** The length of the numbers when they are written out. Less is simpler, and every step reduces it. */
function rank(values: HostArray): number {
  let length = 0;
  for (const value of values) length += String(value).length + (value === 0 ? 0 : 1);
  return length;
}

function plain({ kernel, dtype, g, before, numbers, inPlace }: Call): Call {
  return { kernel, dtype, g, before, numbers, inPlace };
}
