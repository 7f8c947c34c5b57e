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

/**
 * Frees what `work` owns as soon as it ends. A declaration with `using` would need `Symbol.dispose`, which Safari's engine does
 * not have yet.
 */
export async function withOwner<T>(work: (owner: Owner) => Promise<T>): Promise<T> {
  const owner = createOwner();
  try {
    return await work(owner);
  } finally {
    owner[Symbol.dispose]();
  }
}
