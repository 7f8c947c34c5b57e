import { type Inputs, useEffect, useState } from "preact/hooks";
import { type Problem, problemOf } from "./problem.ts";

interface Loaded<T> {
  /** The last value that was loaded. */
  readonly value?: T;
  readonly problem?: Problem;
}

/**
 * What `load` gives, again when `inputs` change. `drop` gets a value that is no longer needed; `failed` is the title of
 * an error.
 */
export function useLoaded<T>(
  load: () => Promise<T>,
  inputs: Inputs,
  failed: string,
  drop: (value: T) => void = () => {},
): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({});
  useEffect(() => {
    let here = true;
    const loading = load();
    loading.then(
      (value) => here && setLoaded({ value }),
      (error: unknown) => here && setLoaded({ problem: problemOf(error, failed) }),
    );
    return () => {
      here = false;
      loading.then(drop, () => {});
    };
  }, inputs);
  return loaded;
}
