import type { Backend, DeviceBuffer, Geometry, HostArray } from "@bn/core";
import { over } from "../over.ts";
import { type Called, IN_PLACE, type KernelName, type Operand, SIGNATURES } from "./call.ts";

/** The number of elements that a recording keeps in total. Calls beyond that are not examined. */
const MOST_ELEMENTS = 2 ** 22;

export interface Recording {
  /** The backend with recording kernels. */
  readonly backend: Backend;
  /** The calls so far, after all their reads have resolved. */
  calls(): Promise<Called[]>;
}

interface Found {
  readonly buffers: Map<string, DeviceBuffer>;
  readonly numbers: Map<string, number>;
  g: Geometry;
}

/** A backend that behaves like `backend` and records the operands and results of each kernel call. */
export function record(backend: Backend): Recording {
  const pending: Promise<Called | null>[] = [];
  let kept = 0;
  const wrap = (name: KernelName) => {
    const kernel = backend.kernels[name] as ((...operands: unknown[]) => void) | undefined;
    if (!kernel) return undefined;
    return (...operands: unknown[]) => {
      const found = find(name, operands);
      const size = 2 * [...found.buffers.values()].reduce((sum, { length }) => sum + length, 0);
      if (kept + size > MOST_ELEMENTS) {
        Reflect.apply(kernel, backend.kernels, operands);
        return;
      }
      kept += size;
      const before = readAll(backend, found.buffers);
      try {
        Reflect.apply(kernel, backend.kernels, operands);
      } catch (error) {
        pending.push(calledOf(name, found, before, Promise.resolve(new Map()), error));
        throw error;
      }
      pending.push(calledOf(name, found, before, readAll(backend, found.buffers)));
    };
  };
  const wrapped = Object.fromEntries((Object.keys(SIGNATURES) as KernelName[]).map((name) => [name, wrap(name)]));
  return {
    backend: over(backend, { kernels: over(backend.kernels, wrapped) }),
    async calls() {
      return (await Promise.all(pending)).filter((call) => call !== null);
    },
  };
}

/** The reads are queued now, so that they see the contents before the work that is queued next. */
async function readAll(backend: Backend, buffers: Found["buffers"]): Promise<Map<string, HostArray>> {
  const reads = [...buffers].map(([path, buffer]) =>
    backend.read(buffer, buffer.length).then((values) => [path, values] as const),
  );
  return new Map(await Promise.all(reads));
}

async function calledOf(
  kernel: KernelName,
  { buffers, numbers, g }: Found,
  before: Promise<Map<string, HostArray>>,
  after: Promise<Map<string, HostArray>>,
  error?: unknown,
): Promise<Called | null> {
  const [first] = buffers.values();
  const pair = IN_PLACE[kernel];
  const inPlace = pair !== undefined && buffers.get(pair[0]) === buffers.get(pair[1]);
  const results = await Promise.allSettled([before, after]);
  const [was, is] = results;
  if (!first || was.status === "rejected") return null;
  const base = { kernel, dtype: first.dtype, g, before: was.value, numbers, inPlace };
  if (is.status === "rejected") return { ...base, after: new Map(), error: is.reason };
  return error === undefined ? { ...base, after: is.value } : { ...base, after: is.value, error };
}

function find(kernel: KernelName, operands: readonly unknown[]): Found {
  const found: Found = { buffers: new Map(), numbers: new Map(), g: { outer: 1, channels: 1, inner: 1 } };
  const visit = (operand: Operand, value: unknown, path: string) => {
    if (value === null || value === undefined) return;
    if (operand.kind === "buffer") found.buffers.set(path, value as DeviceBuffer);
    else if (operand.kind === "number") found.numbers.set(path, value as number);
    else if (operand.kind === "geometry") found.g = value as Geometry;
    else if (operand.kind === "length") found.g = { outer: 1, channels: value as number, inner: 1 };
    else {
      for (const [key, field] of Object.entries(operand.fields))
        visit(field, Reflect.get(value, key), `${path}.${key}`);
    }
  };
  for (const [i, [key, operand]] of Object.entries(SIGNATURES[kernel]).entries()) visit(operand, operands[i], key);
  return found;
}
