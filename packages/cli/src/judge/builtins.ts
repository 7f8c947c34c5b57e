/** Objects whose functions the suite uses in computations. */
const OBJECTS = [
  "JSON",
  "Math",
  "Reflect",
  "Object",
  "Function",
  "Array",
  "Number",
  "BigInt",
  "String",
  "Boolean",
  "Symbol",
  "RegExp",
  "Date",
  "Promise",
  "Map",
  "Set",
  "WeakMap",
  "Error",
  "ArrayBuffer",
  "DataView",
  "Float32Array",
  "Float64Array",
  "Int32Array",
  "Uint8Array",
  "Uint32Array",
] as const;

/** Properties that source-map programs set. They change no computation. */
const FREE: ReadonlySet<string | symbol> = new Set(["prepareStackTrace", "stackTraceLimit", "captureStackTrace"]);

interface Builtin {
  readonly name: string;
  readonly owner: object;
  readonly key: string | symbol;
  readonly descriptor: PropertyDescriptor;
}

/**
 * Remembers JavaScript's builtins as they are now. The returned function names those that were replaced or removed
 * since, and restores them, because a suite that computes with a replaced `Math.abs` proves nothing.
 */
export function watchBuiltins(): () => string[] {
  const { getOwnPropertyDescriptor, defineProperty, is } = Object;
  const { ownKeys, getPrototypeOf } = Reflect;
  const watched: Builtin[] = [];
  const watch = (name: string, owner: object) => {
    for (const key of ownKeys(owner)) {
      const descriptor = getOwnPropertyDescriptor(owner, key);
      if (descriptor && !FREE.has(key)) watched.push({ name: `${name}.${String(key)}`, owner, key, descriptor });
    }
  };
  for (const name of OBJECTS) {
    const value: unknown = Reflect.get(globalThis, name);
    if (value === null || (typeof value !== "object" && typeof value !== "function")) continue;
    watch(name, value);
    const { prototype } = value as { prototype?: object };
    if (prototype) watch(`${name}.prototype`, prototype);
    const descriptor = getOwnPropertyDescriptor(globalThis, name);
    if (descriptor) watched.push({ name, owner: globalThis, key: name, descriptor });
  }
  watch("TypedArray.prototype", getPrototypeOf(Float32Array.prototype) as object);
  for (const key of ["exit", "abort", "kill", "nextTick"] as const) {
    const descriptor = getOwnPropertyDescriptor(process, key);
    if (descriptor) watched.push({ name: `process.${key}`, owner: process, key, descriptor });
  }
  const count = watched.length;
  return () => {
    const replaced: string[] = [];
    for (let i = 0; i < count; i++) {
      const { name, owner, key, descriptor } = watched[i] as Builtin;
      const now = getOwnPropertyDescriptor(owner, key);
      if (now && is(now.value, descriptor.value) && now.get === descriptor.get) continue;
      replaced[replaced.length] = name;
      try {
        defineProperty(owner, key, descriptor);
      } catch {} // made unchangeable, but named in the result all the same
    }
    return replaced;
  };
}
