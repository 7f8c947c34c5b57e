/** `object` with some members replaced. Its own calls of these members are not replaced. */
export function over<P extends object, T extends P>(object: T, parts: Partial<P>): T {
  return new Proxy(object, {
    set: (target, name, value) => Reflect.set(target, name, value),
    get(target, name) {
      const value: unknown = Reflect.get(Object.hasOwn(parts, name) ? parts : target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
