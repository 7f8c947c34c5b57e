/** A browser with one window, driven from outside. Input goes the way of a mouse and a keyboard, not by events that a script makes. */
export interface Driven {
  goto(url: string): Promise<void>;
  /**
   * Runs the body of an async function in the page with `args`, which is JSON as what it returns must be.
   *
   * Errors: rejects with what it threw.
   */
  run<T>(code: string, args?: unknown): Promise<T>;
  /** One after the other, as the Actions of WebDriver, which all its protocols have in common. */
  perform(source: Source): Promise<void>;
  /** Gives files of this machine to the first `<input type="file">` that `selector` finds. */
  choose(selector: string, paths: readonly string[]): Promise<void>;
  /** What the console and uncaught errors said since the last call. */
  complaints(): Promise<readonly string[]>;
  /** Ends the browser and removes its profile. */
  close(): Promise<void>;
}

export interface DriveOptions {
  /** For the browser's process. */
  readonly env?: Readonly<Record<string, string>>;
  /** After this it is ended in any case. */
  readonly seconds: number;
}

export type Source =
  | { readonly type: "key"; readonly actions: readonly KeyAction[] }
  | { readonly type: "pointer"; readonly actions: readonly PointerAction[] };

type KeyAction = { readonly type: "keyDown" | "keyUp"; readonly value: string };

export type PointerAction =
  | { readonly type: "pointerDown" | "pointerUp"; readonly button: 0 }
  | { readonly type: "pointerMove"; readonly x: number; readonly y: number; readonly duration?: number };

export const WINDOW = { width: 1280, height: 900 };

/** The source as WebDriver has it: with a name of its own, and a mouse where it points. */
export const sourceOf = (source: Source): object => ({ id: source.type, ...source });

/** Milliseconds that a page's function or a page may take. */
export const PATIENCE = 300_000;
