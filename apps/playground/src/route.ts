import { useEffect, useState } from "preact/hooks";

/** The content of the address: `#/conformance?case=ID` is panel "conformance" with its parameters. */
export interface Route {
  readonly panel: string;
  readonly params: URLSearchParams;
}

function readRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { panel: path.replace(/\/$/, ""), params: new URLSearchParams(query) };
}

/** `#/conformance?case=layers%2F...` */
export function hashOf(panel: string, params: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams(params).toString();
  return `#/${panel}${query === "" ? "" : `?${query}`}`;
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return readRoute(hash);
}
