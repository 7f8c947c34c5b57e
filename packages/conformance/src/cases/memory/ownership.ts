import type { Backend, DeviceBuffer, Dtype } from "@bn/core";
import type { Case, Comparison, Context } from "../../case.ts";
import { exactly } from "../../truth/exact.ts";
import { hostArray } from "../data.ts";

/** K-11: a backend recognises its own live buffers, and refuses every other value before it touches memory. */
export const OWNERSHIP_CASES: readonly Case[] = (
  [
    ["owns", owns],
    ["foreign-buffers", foreignBuffers],
    ["disposed-buffers", disposedBuffers],
  ] as const
).map(([name, run]) => ({
  id: `memory/${name}`,
  group: "memory",
  clause: "K-11",
  needs: {},
  run: async (context) => run(context, context.backend.supports.dtypes[0] as Dtype),
}));

/** Values that are not buffers of the backend. Some look very similar to one. */
const STRANGERS: readonly unknown[] = [
  undefined,
  null,
  0,
  1,
  "buffer",
  Symbol("buffer"),
  {},
  [],
  () => {},
  new Float32Array(4),
];

async function owns({ backend, create }: Context, dtype: Dtype): Promise<Comparison[]> {
  const other = await create();
  const [mine, theirs] = [backend.alloc(dtype, 4), other.alloc(dtype, 4)];
  const asks = [backend.owns(mine), backend.owns(theirs), other.owns(mine), other.owns(theirs)];
  const strangers = [...STRANGERS, { ...mine }, Object.create(mine)].map((stranger) => backend.owns(stranger));
  mine.dispose();
  const after = backend.owns(mine);
  mine.dispose();
  await other.dispose();
  return [
    exactly("owns(mine), owns(theirs), and the other way round", asks.map(Number), [1, 0, 0, 1]),
    exactly("owns() of what is not a buffer", strangers.map(Number), new Float32Array(strangers.length)),
    exactly("owns() after dispose(), and of a disposed backend", [after, other.owns(theirs)].map(Number), [0, 0]),
  ];
}

/**
 * Buffers of another instance, and an object that looks like one of the backend's own. Nothing in either instance may
 * change.
 */
async function foreignBuffers({ backend, create }: Context, dtype: Dtype): Promise<Comparison[]> {
  const other = await create();
  const [mine, theirs] = [filled(backend, dtype, 2), filled(other, dtype, 3)];
  const found: string[] = [];
  for (const stranger of [theirs, { ...mine }]) {
    found.push(...(await codesOf(backend, stranger, dtype)));
  }
  expectCodes(found, ["ERR_BN_BACKEND"]);
  const [ours, foreign] = [await backend.read(mine, 4), await other.read(theirs, 4)];
  mine.dispose();
  await other.dispose();
  return [
    exactly("our buffer", ours, hostArray(dtype, 4).fill(2)),
    exactly("the other instance's", foreign, hostArray(dtype, 4).fill(3)),
  ];
}

/** A buffer that was disposed. Its memory may already belong to another buffer. */
async function disposedBuffers({ backend }: Context, dtype: Dtype): Promise<Comparison[]> {
  const gone = filled(backend, dtype, 2);
  await backend.finish();
  gone.dispose();
  const next = filled(backend, dtype, 5);
  expectCodes(await codesOf(backend, gone, dtype), ["ERR_BN_DISPOSED", "ERR_BN_BACKEND"]);
  const values = await backend.read(next, 4);
  next.dispose();
  return [exactly("the buffer made next", values, hostArray(dtype, 4).fill(5))];
}

function filled(backend: Backend, dtype: Dtype, value: number): DeviceBuffer {
  const buffer = backend.alloc(dtype, 4);
  backend.write(buffer, hostArray(dtype, 4).fill(value));
  return buffer;
}

/** The codes of the errors that `write` and `read` give for `buffer`. */
async function codesOf(backend: Backend, buffer: DeviceBuffer, dtype: Dtype): Promise<string[]> {
  const written = await codeOf(() => backend.write(buffer, hostArray(dtype, 4).fill(9)));
  return [written, await codeOf(() => backend.read(buffer, 4))];
}

/** The code of the error. It may be thrown by the call or be a rejection. Either way, nothing has been queued. */
async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call();
    return "nothing";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

function expectCodes(found: readonly string[], allowed: readonly string[]): void {
  const wrong = found.find((code) => !allowed.includes(code));
  if (wrong === undefined) return;
  throw new Error(
    `write() and read() of a buffer that is not owned threw ${found.join(", ")}, expected ${allowed.join(" or ")}`,
  );
}
