import type { Backend, DeviceBuffer, HostArray } from "@bn/core";
import { type Call, type Called, IN_PLACE, type Operand, SIGNATURES } from "./call.ts";

/** Repeats a call on new buffers with the same contents. */
export async function execute(backend: Backend, call: Call): Promise<Called> {
  const { kernel, dtype, before, inPlace } = call;
  const buffers = new Map<string, DeviceBuffer>();
  const pair = inPlace ? IN_PLACE[kernel] : undefined;
  try {
    for (const [path, values] of before) {
      if (path === pair?.[0]) continue;
      const buffer = backend.alloc(dtype, values.length);
      backend.write(buffer, values);
      buffers.set(path, buffer);
    }
    const source = pair && buffers.get(pair[1]);
    if (pair && source) buffers.set(pair[0], source);
    let error: unknown;
    try {
      const operands = Object.entries(SIGNATURES[kernel]).map(([key, operand]) => build(operand, key, call, buffers));
      backend.reserve?.(dtype, call.g);
      Reflect.apply(backend.kernels[kernel] as () => void, backend.kernels, operands);
    } catch (thrown) {
      error = thrown ?? new Error(`threw ${String(thrown)}`);
    }
    const after = new Map<string, HostArray>();
    for (const [path, buffer] of buffers) after.set(path, await backend.read(buffer, buffer.length));
    return error === undefined ? { ...call, after } : { ...call, after, error };
  } finally {
    for (const buffer of new Set(buffers.values())) buffer.dispose();
  }
}

function build(operand: Operand, path: string, call: Call, buffers: ReadonlyMap<string, DeviceBuffer>): unknown {
  if (operand.kind === "buffer") return buffers.get(path) ?? null;
  if (operand.kind === "number") return call.numbers.get(path) ?? 0;
  if (operand.kind === "geometry") return call.g;
  if (operand.kind === "length") return call.g.channels;
  const there = [...buffers.keys()].some((key) => key.startsWith(`${path}.`));
  if (!there && operand.optional) return null;
  return Object.fromEntries(
    Object.entries(operand.fields).map(([key, field]) => [key, build(field, `${path}.${key}`, call, buffers)]),
  );
}
