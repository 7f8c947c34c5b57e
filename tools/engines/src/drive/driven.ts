/**
 * A browser with one window that is driven from outside. Input arrives like that of a mouse and a keyboard, not as
 * events that a script creates.
 */
export interface Driven {
  goto(url: string): Promise<void>;
  /**
   * Runs the body of an async function in the page with `args`. Arguments and result must be JSON.
   *
   * Errors: rejects with the error that it throws.
   */
  run<T>(code: string, args?: unknown): Promise<T>;
  /** Performs actions one after the other, in the form of WebDriver's Actions, which all its protocols share. */
  perform(source: Source): Promise<void>;
  /** Gives files of this machine to the first `<input type="file">` that matches `selector`. */
  choose(selector: string, paths: readonly string[]): Promise<void>;
  /** Messages of the console and uncaught errors since the last call. */
  complaints(): Promise<readonly string[]>;
  /** Ends the browser and removes its profile. */
  close(): Promise<void>;
}

export interface DriveOptions {
  /** Environment variables for the browser's process. */
  readonly env?: Readonly<Record<string, string>>;
  /** The browser is killed after this time. */
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

/** The source in WebDriver's form, with a name of its own, and a pointer that is a mouse. */
export const sourceOf = (source: Source): object => ({ id: source.type, ...source });

/** The milliseconds that a function or a page may take. */
export const PATIENCE = 300_000;
