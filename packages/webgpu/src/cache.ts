/** A map that forgets entries that were not used recently. It holds at most 2 * `size` entries, at constant cost. */
export interface Cache<V> {
  get(key: string, make: () => V): V;
  /** Removes an entry without calling `forget`. */
  remove(key: string): void;
  clear(): void;
}

/** `forget` is called for each value that is dropped. */
export function createCache<V>(size: number, forget?: (value: V) => void): Cache<V> {
  let young = new Map<string, V>();
  let old = new Map<string, V>();
  const drop = (map: Map<string, V>) => {
    if (forget) for (const value of map.values()) forget(value);
  };
  return {
    get(key, make) {
      let value = young.get(key);
      if (value !== undefined) return value;
      value = old.get(key);
      if (value === undefined) value = make();
      else old.delete(key);
      if (young.size === size) {
        drop(old);
        old = young;
        young = new Map();
      }
      young.set(key, value);
      return value;
    },
    remove(key) {
      young.delete(key);
      old.delete(key);
    },
    clear() {
      drop(young);
      drop(old);
      young.clear();
      old.clear();
    },
  };
}
