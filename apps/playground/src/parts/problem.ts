/** An error as the page shows it: what happened, who reported it, and what to do. */
export interface Problem {
  readonly title: string;
  readonly text: string;
  readonly cure: string;
}

/** Advice by the code of a BnError. */
const CURES: Readonly<Record<string, string>> = {
  ERR_BN_MEMORY: "Close other tabs, choose smaller shapes, or use another backend; then try again.",
  ERR_BN_DEVICE:
    "The graphics device was lost or failed. Try again: a new device is requested. If the error returns, restart the browser or update the graphics driver, and use cpu or wasm meanwhile.",
  ERR_BN_UNAVAILABLE:
    "The other backends continue without it. The first page says what this browser lacks and how to get it.",
  ERR_BN_DATA: "Check that the file is complete and has the right type, or export it again.",
  ERR_BN_PARAM: "Change the value that the message names.",
  ERR_BN_SHAPE: "Change the shape that the message names.",
};

/** Errors of the browser engine, recognised by their text. */
const ENGINE: readonly (readonly [RegExp, string, string])[] = [
  [
    /dynamically imported module|Importing a module script failed|error loading dynamically/i,
    "ERR_LOAD",
    "Check the connection and reload the page. Offline, a panel opens only if it was opened online before.",
  ],
  [/Failed to fetch|NetworkError|Load failed|HTTP \d+/i, "ERR_LOAD", "Check the connection and try again."],
  [/memory|allocation|Array buffer|Invalid array length/i, "ERR_BN_MEMORY", CURES.ERR_BN_MEMORY ?? ""],
  [/device.*lost|lost.*device/i, "ERR_BN_DEVICE", CURES.ERR_BN_DEVICE ?? ""],
];

/** An error that was passed from a worker, because structured clone does not keep its code. */
export interface PlainError {
  readonly code: string;
  readonly message: string;
}

export function plainError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { code: "", message: String(error) };
  const code = "code" in error ? String(error.code) : "";
  return { code, message: error.message || error.name };
}

export function problemOf(error: unknown, title: string): Problem {
  const plain = isPlain(error) ? error : plainError(error);
  const engine = ENGINE.find(([pattern]) => pattern.test(plain.message));
  // The cause is a failed download, whatever the code of the error that wraps the engine's error.
  const known = engine?.[1] === "ERR_LOAD" ? undefined : CURES[plain.code];
  if (known !== undefined) return { title, text: plain.message, cure: known };
  return {
    title,
    text: plain.message,
    cure: engine?.[2] ?? "Try again, or reload the page; the rest of the page still works.",
  };
}

function isPlain(error: unknown): error is PlainError {
  return (
    !(error instanceof Error) && typeof error === "object" && error !== null && "code" in error && "message" in error
  );
}
