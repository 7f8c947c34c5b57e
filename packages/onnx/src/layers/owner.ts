/** Resources that are freed together, the last one first. */
export interface Owner extends Disposable {
  own<T extends Disposable>(resource: T): T;
}

export function createOwner(): Owner {
  const made: Disposable[] = [];
  return {
    own(resource) {
      made.push(resource);
      return resource;
    },
    [Symbol.dispose]() {
      for (const resource of made.toReversed()) resource[Symbol.dispose]();
    },
  };
}
