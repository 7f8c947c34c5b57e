import { type PlainError, plainError } from "./problem.ts";

/** Opens one after the other, gives to `use` what works and to `onMissing` what does not, and closes all at the end. */
export async function withOpened<N extends string, T extends { close(): Promise<void> }>(
  openings: readonly (readonly [name: N, open: () => Promise<T>])[],
  onMissing: (name: N, error: PlainError) => void,
  use: (opened: readonly T[]) => Promise<void>,
): Promise<void> {
  const opened: T[] = [];
  try {
    for (const [name, open] of openings) {
      try {
        opened.push(await open());
      } catch (error) {
        onMissing(name, plainError(error));
      }
    }
    await use(opened);
  } finally {
    for (const one of opened) await one.close().catch(() => {}); // a lost device may report its loss again
  }
}
