import { numberOrName } from "@bn/conformance/report";

/**
 * A reader that has ended (`bn ... | head`) is not an error: further output is dropped. A stream that cannot be written
 * (a full disk) is one: `onError` gets the reason.
 */
export function watchStreams(onError: (message: string) => void): void {
  for (const [name, stream] of [
    ["output", process.stdout],
    ["error", process.stderr],
  ] as const) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") onError(`cannot write to standard ${name}: ${error.message}`);
    });
  }
}

/** Follows NO_COLOR and FORCE_COLOR as no-color.org and Node define them; otherwise uses colours only on a terminal. */
export function colorOn(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== "0";
  return stream.isTTY === true && env.TERM !== "dumb";
}

/** A text of paragraphs. Those that are empty are left out. */
export function paragraphs(blocks: readonly string[]): string {
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

/** The replacer for JSON that writes NaN and infinities by name. */
export const named = (_: string, value: unknown) => (typeof value === "number" ? numberOrName(value) : value);

/** Names come from a file. Characters that control a terminal are shown as U+FFFD. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, "\u{fffd}");
}
