type Replaced<T> = { readonly [K in keyof T]?: T[K] | undefined };

/**
 * `object` with some members replaced, or absent where they are undefined. Its own calls of these members are not
 * replaced. The proxy has a target of its own, because a frozen object would have to return its own functions, which
 * are not bound.
 */
export function over<T extends object>(object: T, parts: Replaced<T>): T {
  return new Proxy({} as T, {
    has: (_, name) => Reflect.has(object, name),
    get(_, name) {
      const value: unknown = Reflect.get(Object.hasOwn(parts, name) ? parts : object, name);
      return typeof value === "function" ? value.bind(object) : value;
    },
  });
}
