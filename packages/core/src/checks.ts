import type { Backend, Dtype } from "./backend.ts";
import type { Blob } from "./blob.ts";
import type { Fail } from "./layer.ts";
import { type Memory, memoryOf } from "./memory.ts";
import { type Shape, sameShape, shapeText } from "./shape.ts";
import { textOf } from "./text.ts";

/** A blob of a call, with the name that messages give it. */
interface Entry {
  readonly label: string;
  readonly memory: Memory;
  /** Whether it is one of the layer's own `blobs`. */
  readonly own: boolean;
}

/** The form of each call, shown to a caller who has left a list out. */
const CALLS: Readonly<Record<string, string>> = {
  setUp: "setUp([x], [y])",
  reshape: "reshape([x], [y])",
  forward: "forward([x], [y])",
  backward: "backward([y], [true], [x])",
};

/**
 * Every check that does not depend on the type of the layer (layer.hpp:345-380): lists of blobs and their lengths, one
 * live backend and one dtype for all, live buffers, and no blob twice except top[0] === bottom[0]. `params` are the
 * blobs of the layer, its own or given.
 */
export function checkCall(
  fail: Fail,
  method: string,
  maxBottoms: number,
  bottom: readonly Blob[],
  top: readonly Blob[],
  params: readonly Memory[],
): void {
  checkList(fail, method, "bottom", bottom, 1, maxBottoms);
  checkList(fail, method, "top", top, 1, 1);
  const entries = [
    ...entriesOf("bottom", bottom.map(memoryOf)),
    ...entriesOf("top", top.map(memoryOf)),
    ...entriesOf("blobs", params),
  ];
  const first = (entries[0] as Entry).memory;
  for (const entry of entries) checkHome(fail, method, entry, first);
  for (const entry of entries) checkLive(fail, method, entry);
  checkApart(fail, method, entries);
}

/** Checks the layer's own blobs, for calls without bottom and top. */
export function checkOwn(fail: Fail, method: string, params: readonly Memory[], shapes: readonly Shape[]): void {
  const entries = entriesOf("blobs", params);
  for (const entry of entries) checkHome(fail, method, entry, (entries[0] as Entry).memory);
  for (const entry of entries) checkLive(fail, method, entry);
  checkApart(fail, method, entries);
  checkKeptShapes(fail, method, params, shapes);
}

/** Checks that setUp replaces none of the blobs that it gets as bottom or top. */
export function checkNotReplaced(
  fail: Fail,
  bottom: readonly Blob[],
  top: readonly Blob[],
  own: readonly Memory[],
): void {
  const entries = [...entriesOf("bottom", bottom.map(memoryOf)), ...entriesOf("top", top.map(memoryOf))];
  checkApart(fail, "setUp", [...entries, ...entriesOf("blobs", own)]);
}

function entriesOf(name: string, memories: readonly (Memory | null)[]): Entry[] {
  return memories.map((memory, i) => ({ label: `${name}[${i}]`, memory: memory as Memory, own: name === "blobs" }));
}

function checkList(fail: Fail, method: string, name: string, list: unknown, least: number, most: number): void {
  if (!Array.isArray(list)) {
    const call = CALLS[method] ?? method;
    fail(method, `${name} is ${textOf(list)}, expected a list of blobs, as in ${call}`, "ERR_BN_PARAM");
  }
  if (list.length < least || list.length > most) {
    fail(method, `${list.length} ${name} blobs, expected ${most === least ? least : `${least} to ${most}`}`);
  }
  for (let i = 0; i < list.length; i++) {
    if (memoryOf(list[i]) !== null) continue;
    fail(method, `${name}[${i}] is ${textOf(list[i])}, expected a blob of createBlob()`, "ERR_BN_PARAM");
  }
}

function checkHome(fail: Fail, method: string, { label, memory }: Entry, first: Memory): void {
  const { backend, dtype } = memory;
  const what = `${label} (shape ${shapeText(memory.shape)})`;
  if (memory.disposed) fail(method, `${what} was disposed; create a new one`, "ERR_BN_DISPOSED");
  if (backend.disposed) {
    fail(method, `${what}: its backend "${backend.name}" was disposed; create a new one`, "ERR_BN_DISPOSED");
  }
  if (backend !== first.backend) {
    const other = backend.name === first.backend.name ? "another instance of it" : `"${first.backend.name}"`;
    fail(
      method,
      `${what} is on backend "${backend.name}", bottom[0] on ${other}; read() it and write() it to a blob of that backend`,
      "ERR_BN_BACKEND",
    );
  }
  if (dtype !== first.dtype) {
    fail(method, `${what} is ${dtype}, bottom[0] is ${first.dtype}; use one dtype for all blobs`, "ERR_BN_BACKEND");
  }
}

/** A blob frees its buffers itself. If user code has disposed a buffer, the blob is left without memory. */
function checkLive(fail: Fail, method: string, { label, memory }: Entry): void {
  for (const part of ["data", "diff"] as const) {
    const buffer = memory[part];
    if (buffer === null || memory.backend.owns(buffer)) continue;
    fail(
      method,
      `the ${part} buffer of ${label} (shape ${shapeText(memory.shape)}) was disposed by other code, and only the blob may do that; create a new blob`,
      "ERR_BN_DISPOSED",
    );
  }
}

function checkApart(fail: Fail, method: string, entries: readonly Entry[]): void {
  for (const [i, b] of entries.entries()) {
    for (const a of entries.slice(0, i)) {
      if (a.memory === b.memory) {
        if (a.label === "bottom[0]" && b.label === "top[0]") continue;
        const [one, other] = b.own && !a.own ? [a, b] : [b, a];
        fail(method, `${one.label} is ${other.label}, expected a blob of its own; copy it first`, "ERR_BN_PARAM");
      }
      if (!shareBuffer(a.memory, b.memory)) continue;
      const cure = b.label === "top[0]" ? "to work in place, pass one blob as both" : "give each a buffer of its own";
      fail(method, `${b.label} and ${a.label} are two blobs on one buffer; ${cure}`, "ERR_BN_PARAM");
    }
  }
}

function shareBuffer(a: Memory, b: Memory): boolean {
  return (
    (a.data !== null && (a.data === b.data || a.data === b.diff)) ||
    (a.diff !== null && (a.diff === b.data || a.diff === b.diff))
  );
}

/** Checks that the blobs are on the backend and of the dtype that setUp saw. */
export function checkSameHome(fail: Fail, method: string, x: Memory, home: { backend: Backend; dtype: Dtype }): void {
  if (x.backend === home.backend && x.dtype === home.dtype) return;
  fail(
    method,
    `bottom[0] is ${x.dtype} on backend "${x.backend.name}", setUp() saw ${home.dtype} on "${home.backend.name}"; call setUp() again`,
    "ERR_BN_BACKEND",
  );
}

/** Checks that propagateDown has one boolean per bottom. */
export function checkPropagateDown(fail: Fail, propagateDown: unknown, bottoms: number): void {
  if (!Array.isArray(propagateDown)) {
    fail(
      "backward",
      `propagateDown is ${textOf(propagateDown)}, expected a list of booleans, as in ${CALLS.backward}`,
      "ERR_BN_PARAM",
    );
  }
  if (propagateDown.length !== bottoms) {
    fail(
      "backward",
      `propagateDown has ${propagateDown.length} entries, expected ${bottoms}, one per bottom`,
      "ERR_BN_PARAM",
    );
  }
  for (let i = 0; i < bottoms; i++) {
    if (typeof propagateDown[i] === "boolean") continue;
    fail("backward", `propagateDown[${i}] is ${textOf(propagateDown[i])}, expected true or false`, "ERR_BN_PARAM");
  }
}

/** Checks the number and the shapes of the blobs that were given to a layer (net.cpp:752-759). */
export function checkGivenShapes(fail: Fail, given: readonly Memory[], shapes: readonly Shape[]): void {
  if (given.length !== shapes.length) {
    fail(
      "setUp",
      `blobs has ${given.length} entries, expected ${shapes.length} of shapes ${shapes.map(shapeText).join(", ")}; pass the blobs of a layer with the same parameters`,
    );
  }
  for (const [i, shape] of shapes.entries()) {
    const got = (given[i] as Memory).shape;
    if (sameShape(got, shape)) continue;
    fail("setUp", `blobs[${i}] has shape ${shapeText(got)}, expected ${shapeText(shape)}; reshape() it or bottom[0]`);
  }
}

/**
 * Checks that the layer's blobs have the shapes they had in setUp: reshaping one of them destroys the layer's state.
 */
export function checkKeptShapes(fail: Fail, method: string, params: readonly Memory[], shapes: readonly Shape[]): void {
  for (const [i, shape] of shapes.entries()) {
    const got = (params[i] as Memory).shape;
    if (got === shape || sameShape(got, shape)) continue;
    fail(
      method,
      `blobs[${i}] was reshaped to ${shapeText(got)}, setUp() saw ${shapeText(shape)}; reshape() it back and write() it, or call setUp() again`,
    );
  }
}
